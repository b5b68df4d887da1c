package httpapi

import "greffe/api/auth"

func authRequest(roles ...string) auth.Request { return auth.Request{Label: "test", Roles: roles} }
