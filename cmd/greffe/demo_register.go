package main

import (
	"context"
	"fmt"

	httpapi "greffe/api/http"
	"greffe/cmd/greffe/internal/app"
	"greffe/domain/register"
)

// registered gives the demo's controller a register of processing activities: one entry of
// each shipped template, and the header. A demo that is started again keeps its own.
func registered(ctx context.Context, a *app.App) error {
	desk := a.Register()
	shipped, err := desk.Templates(ctx)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	names := make([]string, len(shipped))
	for i, t := range shipped {
		names[i] = t.Name
	}
	adopted, err := desk.Adopt(ctx, httpapi.ActivityChange{}, names)
	if err != nil {
		return fmt.Errorf("demo: the register: %w", err)
	}
	if len(adopted) == 0 || adopted[0].Status != "recorded" {
		return nil
	}
	_, err = desk.SetOrganisation(ctx, httpapi.ActivityChange{}, register.Organisation{Name: "ACME SAS", SIREN: "000000018", Address: "1 rue de la Paix",
		PostalCode: "75002", City: "Paris", Email: "contact@acme.example", Representative: register.Person{Surname: "Lambert", FirstName: "Hélène"},
		DPO: &register.Person{Surname: "Morvan", FirstName: "Claire", Email: "dpo@acme.example"}})
	if err != nil {
		return fmt.Errorf("demo: the register's header: %w", err)
	}
	return nil
}
