package opposition

import "greffe/projections/internal/sqlfile"

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options
