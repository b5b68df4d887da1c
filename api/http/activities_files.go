package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"greffe/api/problem"
	files "greffe/api/register"
	"greffe/domain"
	"greffe/domain/dpia"
	"greffe/domain/register"
	"greffe/eventstore/access"
)

const mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// ActivityExportQuery asks for the registers as a file.
type ActivityExportQuery struct {
	Controller string `query:"controller" doc:"Of the policy; its default if absent."`
	Format     string `query:"format" doc:"xlsx, csv or json; json if absent."`
	Role       string `query:"role" doc:"Of a CSV: controller or processor; controller if absent."`
}

// ActivityImportQuery says what a file is.
type ActivityImportQuery struct {
	Controller string `query:"controller" doc:"Of the policy; its default if absent."`
	Role       string `query:"role" doc:"Of a CSV: controller or processor; controller if absent."`
	DryRun     bool   `query:"dry_run" doc:"Say what would be recorded, and record nothing."`
}

// ImportedActivities answers an import.
type ImportedActivities struct {
	Recorded  int                `json:"recorded" doc:"New entries."`
	Changed   int                `json:"changed" doc:"New states of entries that were known by id, reference or name."`
	Unchanged int                `json:"unchanged"`
	Invalid   int                `json:"invalid" doc:"If there is one, nothing was recorded."`
	DryRun    bool               `json:"dry_run,omitzero"`
	Rows      []ImportedActivity `json:"rows"`
}

// ImportedActivity says what became of a row.
type ImportedActivity struct {
	Row       int        `json:"row" doc:"Of the entries in the file, from 1."`
	Reference string     `json:"reference,omitempty"`
	ID        *domain.ID `json:"id,omitempty"`
	Status    string     `json:"status" enum:"recorded,changed,unchanged,invalid"`
	Field     string     `json:"field,omitempty" doc:"That is missing or cannot be."`
}

// ActivityFindings are where paper and reality differ.
type ActivityFindings struct {
	Policy     int64              `json:"policy_version"`
	Known      domain.Position    `json:"known_below" doc:"Facts below this position were looked at."`
	Facts      int64              `json:"facts"`
	Persons    int64              `json:"persons"`
	Activities int                `json:"activities" doc:"Open ones."`
	Triggers   []dpia.Trigger     `json:"triggers" doc:"Signs of use that speak for an impact assessment."`
	Findings   []register.Finding `json:"findings"`
}

func roleOf(text string) (register.Role, error) {
	switch r := register.Role(text); r {
	case "":
		return register.Controller, nil
	case register.Controller, register.Processor:
		return r, nil
	}
	return "", problem.At(problem.ParameterInvalid, "role")
}

func exportActivities() endpoint {
	e := opening(func(_ context.Context, _ *API, _ *Call, in *ActivityExportQuery) (access.Reading, error) {
		switch files.Format(in.Format) {
		case "":
			in.Format = string(files.JSON)
		case files.XLSX, files.CSV, files.JSON:
		default:
			return access.Reading{}, problem.At(problem.ParameterInvalid, "format")
		}
		return access.Reading{Action: "export", Categories: []string{"requests"}}, nil
	}, func(ctx context.Context, a *API, _ *Call, r access.Receipt, in *ActivityExportQuery) (answer, error) {
		role, err := roleOf(in.Role)
		if err != nil {
			return answer{}, err
		}
		book, err := a.services.Activities.Book(ctx, r, in.Controller)
		if err != nil {
			return answer{}, err
		}
		f := files.Format(in.Format)
		var out bytes.Buffer
		if err := files.Write(&out, f, book, role); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusOK, bytes: out.Bytes(), media: f.Media(), header: map[string]string{"Content-Disposition": `attachment; filename="registre.` + in.Format + `"`}}, nil
	})
	e.out, e.gives = nil, []string{mediaJSON, mediaXLSX, mediaPlainCSV}
	return e
}

func importActivities() endpoint {
	e := opening(readsRegister[ActivityImportQuery], func(ctx context.Context, a *API, c *Call, r access.Receipt, in *ActivityImportQuery) (*ImportedActivities, error) {
		role, err := roleOf(in.Role)
		if err != nil {
			return nil, err
		}
		raw, media, err := c.readBody(mediaJSON, mediaXLSX, mediaPlainCSV)
		if err != nil {
			return nil, err
		}
		format := map[string]files.Format{mediaXLSX: files.XLSX, mediaPlainCSV: files.CSV, mediaJSON: files.JSON}[media]
		rows, err := files.Read(raw, format, role)
		if err != nil {
			return nil, fileProblem(err)
		}
		return a.services.Activities.Import(ctx, r, ActivityChange{Actor: c.principal.Account, Controller: in.Controller}, rows, in.DryRun)
	})
	e.takes, e.streams = []string{mediaJSON, mediaXLSX, mediaPlainCSV}, true
	return e
}

// fileProblem says where in a file something cannot be read.
func fileProblem(err error) error {
	var at *files.FileError
	if !errors.As(err, &at) || at.Row == 0 {
		return problem.Because(problem.FieldInvalid, err)
	}
	field := "rows." + strconv.Itoa(at.Row)
	if at.Column > 0 {
		field += ".columns." + strconv.Itoa(at.Column)
	}
	return problem.At(problem.FieldInvalid, field)
}

func listTemplates() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, _ *struct{}) (*List[register.Template], error) {
		all, err := a.services.Activities.Templates(ctx)
		return &List[register.Template]{Items: all}, err
	})
}

func adoptTemplates() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *adoptBody) (*List[AdoptedTemplate], error) {
		if in.Body.Templates == nil {
			in.Body.Templates = register.Shipped()
		}
		all, err := a.services.Activities.Adopt(ctx, ActivityChange{Actor: c.principal.Account, Controller: in.Body.Controller}, in.Body.Templates)
		return &List[AdoptedTemplate]{Items: all}, entryProblem(err)
	})
}

func getFindings() endpoint {
	return opening(readsRegister[struct{}], func(ctx context.Context, a *API, _ *Call, r access.Receipt, _ *struct{}) (*ActivityFindings, error) {
		return a.services.Activities.Findings(ctx, r)
	})
}
