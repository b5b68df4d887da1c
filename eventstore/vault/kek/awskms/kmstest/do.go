package kmstest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// do is one operation.
func (s *Server) do(op string, in *request) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, op)
	switch op {
	case "CreateKey":
		k := s.create(in.Policy)
		return map[string]any{"KeyMetadata": metadata(k)}, nil
	case "CreateAlias", "UpdateAlias", "DeleteAlias":
		return s.alias(op, in)
	}
	k := s.find(in.KeyId)
	if k == nil {
		return nil, &fault{"NotFoundException", "no such key"}
	}
	switch op {
	case "DescribeKey":
		return map[string]any{"KeyMetadata": metadata(k)}, nil
	case "GetKeyPolicy":
		return map[string]any{"Policy": k.policy, "PolicyName": "default"}, nil
	case "ScheduleKeyDeletion":
		if in.PendingWindowInDays < 7 || in.PendingWindowInDays > 30 {
			return nil, &fault{"ValidationException", "window"}
		}
		k.state = "PendingDeletion"
		return map[string]any{"KeyId": prefix + "key/" + k.id, "KeyState": k.state}, nil
	case "Encrypt", "Decrypt":
		return k.crypt(op, in)
	}
	return nil, &fault{"UnknownOperationException", op}
}

func (s *Server) alias(op string, in *request) (any, *fault) {
	_, there := s.aliases[in.AliasName]
	switch {
	case !strings.HasPrefix(in.AliasName, "alias/"):
		return nil, &fault{"ValidationException", "alias"}
	case op == "CreateAlias" && there:
		return nil, &fault{"AlreadyExistsException", "alias"}
	case op != "CreateAlias" && !there, op != "DeleteAlias" && s.keys[in.TargetKeyId] == nil:
		return nil, &fault{"NotFoundException", "alias"}
	case op == "DeleteAlias":
		delete(s.aliases, in.AliasName)
	default:
		s.aliases[in.AliasName] = in.TargetKeyId
	}
	return map[string]any{}, nil
}

func metadata(k *key) map[string]any {
	return map[string]any{"KeyId": k.id, "Arn": prefix + "key/" + k.id, "KeyState": k.state, "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": k.usage,
		"Enabled": k.state == "Enabled"}
}

func (k *key) crypt(op string, in *request) (any, *fault) {
	switch {
	case k.state == "Disabled":
		return nil, &fault{"DisabledException", "disabled"}
	case k.state != "Enabled":
		return nil, &fault{"KMSInvalidStateException", "pending deletion"}
	}
	with, _ := json.Marshal(in.EncryptionContext) // of a map: sorted
	id := prefix + "key/" + k.id
	if op == "Encrypt" {
		if len(in.Plaintext) == 0 || len(in.Plaintext) > plainOf {
			return nil, &fault{"ValidationException", "length"}
		}
		nonce := make([]byte, k.aead.NonceSize())
		_, _ = rand.Read(nonce)
		return map[string]any{"CiphertextBlob": k.aead.Seal(nonce, nonce, in.Plaintext, with), "KeyId": id, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
	}
	n := k.aead.NonceSize()
	if len(in.CiphertextBlob) < n {
		return nil, &fault{"InvalidCiphertextException", ""}
	}
	plain, err := k.aead.Open(nil, in.CiphertextBlob[:n], in.CiphertextBlob[n:], with)
	if err != nil {
		return nil, &fault{"InvalidCiphertextException", ""}
	}
	return map[string]any{"Plaintext": plain, "KeyId": id, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// unsigned says what is wrong with a request's signature, version 4 of AWS; "" nothing.
func unsigned(r *http.Request, body []byte) string {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for _, f := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(f), "=")
		fields[name] = value
	}
	date := r.Header.Get("X-Amz-Date")
	if !ok || len(date) != len("20060102T150405Z") {
		return "no signature of version 4"
	}
	scope := date[:8] + "/" + Region + "/kms/aws4_request"
	if fields["Credential"] != ID+"/"+scope {
		return "another credential or scope"
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(names, must) {
			return must + " is not signed"
		}
	}
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n")
	for _, n := range names {
		value := strings.Join(strings.Fields(r.Header.Get(n)), " ")
		switch n {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
			if value == "" {
				value = jsonNumber(len(body))
			}
		}
		canonical.WriteString(n + ":" + value + "\n")
	}
	canonical.WriteString("\n" + fields["SignedHeaders"] + "\n" + hexSum(body))
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hexSum([]byte(canonical.String()))
	sign := []byte("AWS4" + Secret)
	for _, step := range []string{date[:8], Region, "kms", "aws4_request", text} {
		mac := hmac.New(sha256.New, sign)
		mac.Write([]byte(step))
		sign = mac.Sum(nil)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(sign)), []byte(fields["Signature"])) {
		return "the signature is of something else"
	}
	return ""
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
