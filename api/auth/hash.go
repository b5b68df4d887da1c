package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Passwords are hashed with argon2id (RFC 9106; délib. CNIL 2022-100 asks for a
// salted slow hash) in the PHC text form, so that the cost can be raised later.
// 46 MiB and one pass is the first of OWASP's choices; two at a time take 92 MiB.
const (
	hashMemory  = 46 << 10 // KiB
	hashPasses  = 1
	hashThreads = 1
	hashBytes   = 32
	saltBytes   = 16
)

var errHash = errors.New("a password's hash is damaged; have the account reset")

// hashPassword gives a password's hash as text.
func hashPassword(r io.Reader, password string) (string, error) {
	var salt [saltBytes]byte
	if _, err := io.ReadFull(r, salt[:]); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	sum := argon2.IDKey([]byte(password), salt[:], hashPasses, hashMemory, hashThreads, hashBytes)
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashThreads,
		e.EncodeToString(salt[:]), e.EncodeToString(sum)), nil
}

// samePassword compares a password with a hash, at the hash's cost.
func samePassword(hash, password string) (bool, error) {
	f := strings.Split(hash, "$")
	if len(f) != 6 || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return false, errHash
	}
	var memory, passes uint32
	var threads uint8
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); n != 3 || err != nil || memory > 1<<20 || passes == 0 || threads == 0 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(f[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(f[5])
	if err != nil || len(want) != hashBytes {
		return false, errHash
	}
	sum := argon2.IDKey([]byte(password), salt, passes, memory, threads, hashBytes)
	return subtle.ConstantTimeCompare(sum, want) == 1, nil
}

// decoy is a hash of no password, compared with where there is no account, so that
// the answer takes as long.
func decoy() string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashThreads,
		e.EncodeToString(make([]byte, saltBytes)), e.EncodeToString(make([]byte, hashBytes)))
}
