package signing_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
	"fumin/repository/signing"
)

func FuzzParseReceipt(f *testing.F) {
	f.Add([]byte(`{"id":"a","state":"signed","reference":"ES-1","document_sha256":"00"}`))
	f.Add([]byte(`{"id":"a"}{"id":"b"}`))
	f.Add([]byte(`{"id":1,"state":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := signing.ParseReceipt(body); err != nil && r != (signing.Receipt{}) {
			t.Errorf("%q: %+v beside %v", body, r, err)
		}
	})
}

func TestAnInstallationWithoutAServiceSaysSo(t *testing.T) {
	t.Parallel()
	absent := signing.Absent{}
	if err := absent.SendCode(t.Context(), "", borrower.Phone{}, ""); domain.CodeOf(err) != "signing-unavailable" {
		t.Errorf("a code: %v", err)
	}
	if _, err := absent.Sign(t.Context(), origination.ElectronicSignature{}); domain.CodeOf(err) != "signing-unavailable" {
		t.Errorf("a signature: %v", err)
	}
}

func TestAWeakSecretOrAForeignAddressIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	now := func() (t domain.Clock) { return nil }()
	for name, o := range map[string]signing.Options{
		"no clock":     {BaseURL: "http://127.0.0.1:1", KeyID: "fumin", Secret: make([]byte, 32), Now: now},
		"short secret": {BaseURL: "http://127.0.0.1:1", KeyID: "fumin", Secret: make([]byte, 31)},
		"plain http":   {BaseURL: "http://example.com", KeyID: "fumin", Secret: make([]byte, 32)},
	} {
		if _, err := signing.New(o); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
