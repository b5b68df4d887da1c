package awskms

import (
	"errors"
	"fmt"

	"greffe/eventstore/vault/kek"
)

var (
	// ErrUnavailable: KMS cannot be reached, throttles or fails. Nothing was done, as far
	// as is known; try again.
	ErrUnavailable = errors.New("the KMS cannot be reached or does not work now; nothing can be opened without it")
	// ErrDenied: the credentials do not allow this, or there are none.
	ErrDenied = errors.New("the KMS refuses the credentials; look at AWS_… in the environment, ~/.aws, and at the key's policy")
	// ErrNoKey: there is no such key or alias. None was made.
	ErrNoKey = errors.New("the KMS has no such key; make a symmetric one there and give it an alias")
	// ErrKeyType: the key is not for this.
	ErrKeyType = errors.New("the KMS key must be symmetric (SYMMETRIC_DEFAULT), for ENCRYPT_DECRYPT")
	// ErrKeyState: the key is disabled, or its deletion was scheduled.
	ErrKeyState = errors.New("the KMS key is disabled or about to be deleted; enable it, or turn the alias to another")
	// ErrNoAlias: a key that is named by its id cannot rotate.
	ErrNoAlias = errors.New("give the KMS key by an alias to rotate it: aws-kms://arn:aws:kms:REGION:ACCOUNT:alias/NAME")
	// ErrNotNewest: the key to keep has been followed by another. Nothing was destroyed.
	ErrNotNewest = errors.New("the alias means another KMS key meanwhile; rotate again")

	errAnswer = fmt.Errorf("%w: its answer is not that of a KMS", ErrUnavailable)
)

// errUnknown is kek.ErrUnknownKey in the words of this key.
var errUnknown error = unknown{}

type unknown struct{}

func (unknown) Error() string {
	return "the KMS key that wrapped this is another, or was retired; open with the KEK that wrapped it"
}
func (unknown) Is(target error) bool { return target == kek.ErrUnknownKey }

// meaning is what an error of the SDK means, without its words.
func meaning(err error) error {
	var api interface{ ErrorCode() string }
	if err == nil {
		return nil
	}
	for _, own := range []error{errAnswer, ErrKeyType} {
		if errors.Is(err, own) {
			return own
		}
	}
	if !errors.As(err, &api) {
		return ErrUnavailable
	}
	switch api.ErrorCode() {
	case "NotFoundException", "InvalidArnException":
		return errNotThere
	case "DisabledException", "KMSInvalidStateException":
		return errDead
	case "InvalidCiphertextException", "IncorrectKeyException", "InvalidKeyUsageException", "ValidationException":
		return kek.ErrWrongKey
	case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "SignatureDoesNotMatch", "InvalidClientTokenId":
		return ErrDenied
	case "AlreadyExistsException":
		return errThere
	}
	return ErrUnavailable
}

// What is not there, or of no use, is a key that is not kept.
var (
	errNotThere error = missing{ErrNoKey}
	errDead     error = missing{ErrKeyState}
	errThere          = errors.New("the KMS has this alias already")
)

type missing struct{ error }

func (m missing) Unwrap() error      { return m.error }
func (missing) Is(target error) bool { return target == kek.ErrUnknownKey }
