// Package account holds the rules of accounts: who may exist, by which
// credentials a person proves to be it, which passwords are good enough, how
// wrong ones are slowed down, and how long a session lasts.
//
// It promises: the same facts give the same account, and a fact that makes no
// sense is an error, never skipped, as a skipped revocation leaves a door open.
// Disabling an account, changing its roles or its password ends its sessions in
// the fold itself, so nobody can forget to say so. It assumes that facts come in
// the order of the log; it holds no secret and nothing personal: names, password
// hashes and keys are sealed parts of the events it points to. It does no I/O, so
// a crash leaves nothing.
//
// Sources: délib. CNIL 2022-100 (passwords), recommandation MFA of 20 March 2025
// (two factors of different families), guide de la sécurité 2024 (named accounts,
// rights cut on departure, sessions that end).
package account
