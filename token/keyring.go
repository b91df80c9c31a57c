package token

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Purpose separates the keys: what is sealed for one purpose opens for no
// other.
type Purpose string

// The purposes that data is sealed for.
const (
	PurposeGrant  Purpose = "grant"  // access and refresh tokens
	PurposePerson Purpose = "person" // the customer's personal data
	PurposeFlow   Purpose = "flow"   // one authorization while the browser is at the bank
)

// indexPurpose names the keyset of the keyed look-up index, which seals
// nothing.
const indexPurpose Purpose = "index"

// auditPurpose names the keyset that authenticates the audit chain, and seals
// nothing.
const auditPurpose Purpose = "audit"

// indexBytes is the length of a keyed index: 128 bit.
const indexBytes = 16

// Keyring seals and opens by authenticated encryption (AES-256-GCM), and
// computes keyed indexes and authentication codes (HMAC-SHA-256). Each
// ciphertext and each code starts with the id of its key (5 bytes, Tink's), so
// that keys can be added, promoted and retired while data sealed with older
// ones still opens. It is safe for concurrent use, and prints as its key ids.
type Keyring struct {
	handles map[Purpose]*keyset.Handle
	aeads   map[Purpose]tink.AEAD
	index   *prf.Set
	audit   tink.MAC
}

// templates says what a new key of each purpose is.
func templates() map[Purpose]*tinkpb.KeyTemplate {
	return map[Purpose]*tinkpb.KeyTemplate{
		PurposeGrant:  aead.AES256GCMKeyTemplate(),
		PurposePerson: aead.AES256GCMKeyTemplate(),
		PurposeFlow:   aead.AES256GCMKeyTemplate(),
		indexPurpose:  prf.HMACSHA256PRFKeyTemplate(),
		auditPurpose:  mac.HMACSHA256Tag256KeyTemplate(),
	}
}

// NewKeyring makes a keyring with one fresh key for each purpose.
func NewKeyring() (*Keyring, error) {
	handles := make(map[Purpose]*keyset.Handle)
	for purpose := range templates() {
		h, err := newKeyset(purpose)
		if err != nil {
			return nil, err
		}
		handles[purpose] = h
	}
	return keyringOf(handles)
}

func newKeyset(p Purpose) (*keyset.Handle, error) {
	h, err := keyset.NewHandle(templates()[p])
	if err != nil {
		return nil, fmt.Errorf("new %s keyset: %w", p, err)
	}
	return h, nil
}

// ReadKeyring reads what [Keyring.Write] wrote: a JSON object with one Tink
// keyset in JSON for each purpose. An unknown purpose is an error, and so is a
// missing one: see [MissingKeysetsError].
func ReadKeyring(r io.Reader) (*Keyring, error) {
	handles, err := readKeysets(r)
	if err != nil {
		return nil, err
	}
	return keyringOf(handles)
}

func readKeysets(r io.Reader) (map[Purpose]*keyset.Handle, error) {
	var file map[Purpose]json.RawMessage
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, errors.New("token: the key file is not a JSON object")
	}
	handles := make(map[Purpose]*keyset.Handle)
	for purpose, raw := range file {
		if _, known := templates()[purpose]; !known {
			return nil, fmt.Errorf("token: the key file has a keyset for %.32q, which is no purpose of ours", purpose)
		}
		h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
		if err != nil {
			return nil, fmt.Errorf("token: the key file's %s keyset cannot be read: %w", purpose, err)
		}
		handles[purpose] = h
	}
	return handles, nil
}

func keyringOf(handles map[Purpose]*keyset.Handle) (*Keyring, error) {
	if absent := missingOf(handles); len(absent) > 0 {
		return nil, &MissingKeysetsError{Purposes: absent}
	}
	k := &Keyring{handles: handles, aeads: make(map[Purpose]tink.AEAD)}
	for purpose, h := range handles {
		var err error
		switch purpose {
		case indexPurpose:
			k.index, err = prf.NewPRFSet(h)
		case auditPurpose:
			k.audit, err = mac.New(h)
		default:
			k.aeads[purpose], err = aead.New(h)
		}
		if err != nil {
			return nil, fmt.Errorf("token: the %s keyset does not fit its purpose: %w", purpose, err)
		}
	}
	return k, nil
}

// Write writes the keys in the clear: w must be a file that only we can read.
func (k *Keyring) Write(w io.Writer) error {
	file := make(map[Purpose]json.RawMessage)
	for purpose, h := range k.handles {
		var b bytes.Buffer
		if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
			return fmt.Errorf("write %s keyset: %w", purpose, err)
		}
		file[purpose] = b.Bytes()
	}
	out, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	_, err = w.Write(append(out, '\n'))
	return err
}

// Seal encrypts plain for one purpose and binds it to its place: it opens
// only with the same purpose and the same place, in the same order.
func (k *Keyring) Seal(p Purpose, plain []byte, place ...string) ([]byte, error) {
	a, ok := k.aeads[p]
	if !ok {
		return nil, fmt.Errorf("token: nothing is sealed for purpose %q", p)
	}
	box, err := a.Encrypt(plain, associated(p, place))
	if err != nil {
		return nil, fmt.Errorf("seal for %s: %w", p, err)
	}
	return box, nil
}

// Open decrypts what Seal sealed; anything else is [ErrSealBroken].
func (k *Keyring) Open(p Purpose, box []byte, place ...string) ([]byte, error) {
	a, ok := k.aeads[p]
	if !ok {
		return nil, fmt.Errorf("token: nothing is sealed for purpose %q", p)
	}
	plain, err := a.Decrypt(box, associated(p, place))
	if err != nil {
		return nil, ErrSealBroken
	}
	return plain, nil
}

// Index returns a keyed index of the fields, 16 bytes: equal for equal
// fields, and useless to whoever lacks the key.
func (k *Keyring) Index(fields ...string) ([]byte, error) {
	sum, err := k.index.ComputePrimaryPRF(associated(indexPurpose, fields), indexBytes)
	if err != nil {
		return nil, fmt.Errorf("keyed index: %w", err)
	}
	return sum, nil
}

// Authenticate returns a code of the fields that nobody without the key can
// make. It starts with the id of its key.
func (k *Keyring) Authenticate(fields ...string) ([]byte, error) {
	code, err := k.audit.ComputeMAC(associated(auditPurpose, fields))
	if err != nil {
		return nil, fmt.Errorf("authenticate: %w", err)
	}
	return code, nil
}

// Verify reports whether Authenticate, with any key of the keyring, made the
// code of these fields; [ErrSealBroken] says that it did not.
func (k *Keyring) Verify(code []byte, fields ...string) error {
	if k.audit.VerifyMAC(code, associated(auditPurpose, fields)) != nil {
		return ErrSealBroken
	}
	return nil
}

// associated joins the fields so that no two lists of fields give the same
// bytes: each is preceded by its length.
func associated(p Purpose, fields []string) []byte {
	out := make([]byte, 0, 64)
	for _, f := range append([]string{"consentd/1", string(p)}, fields...) {
		out = binary.AppendUvarint(out, uint64(len(f)))
		out = append(out, f...)
	}
	return out
}

// KeyIDs lists the ids of the keys of a purpose, the one that seals first.
func (k *Keyring) KeyIDs(p Purpose) []uint32 {
	h, ok := k.handles[p]
	if !ok {
		return nil
	}
	info := h.KeysetInfo()
	ids := []uint32{info.GetPrimaryKeyId()}
	for _, key := range info.GetKeyInfo() {
		if !slices.Contains(ids, key.GetKeyId()) {
			ids = append(ids, key.GetKeyId())
		}
	}
	return ids
}

func (k *Keyring) String() string { return fmt.Sprintf("keyring %v", k.KeyIDs(PurposeGrant)) }
