package repository_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// contractText is a text of an approved application, with a party of each role and one person in two of them.
func (l *ledger) contractText(r loan.Record, number int) loan.ContractText {
	chair := borrower.MustParseIDNumber("11010519491231002X")
	content, page := []byte(`{"title":"借款合同"}`), []byte("<!doctype html><title>借款合同</title>")
	return loan.ContractText{
		ID: l.newID(), ApplicationID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Number: number,
		ContractNo: "HT-" + r.ApplicationNo, SignedOn: domain.MustParseDate("2026-11-23"), TextVersion: "sample-2026.3",
		Content: content, ContentSHA256: loan.SHA256(content), HTML: page, HTMLSHA256: loan.SHA256(page), PDFSHA256: strings.Repeat("b", loan.SHA256HexLength),
		Parties: []loan.Party{
			{ID: l.newID(), Role: loan.PartyBorrower, Name: borrower.MustParseName("茌平区某某合作社"), SignerName: borrower.MustParseName("刘明勇"), IDNumber: chair, Phone: borrower.MustParsePhone("13900000001")},
			{ID: l.newID(), Role: loan.PartySpouse, Name: borrower.MustParseName("李秀英"), SignerName: borrower.MustParseName("李秀英")},
			{ID: l.newID(), Role: loan.PartyMember, Name: borrower.MustParseName("赵建国"), SignerName: borrower.MustParseName("赵建国"), IDNumber: borrower.MustParseIDNumber("37159919680503009X")},
			{ID: l.newID(), Role: loan.PartyGuarantor, Name: borrower.MustParseName("刘明勇"), SignerName: borrower.MustParseName("刘明勇"), IDNumber: chair, Phone: borrower.MustParsePhone("13900000001")},
		},
		MembersMin: 1,
		Payees: []loan.ContractPayee{
			{Method: loan.EntrustedPayment, Payee: ledgerPayee(), Amount: money.MustParseAmount("60000.00"), For: "苗木"},
			{Method: loan.SelfPayment, Payee: ledgerPayee(), Amount: money.MustParseAmount("39500.00")},
		},
		PreparedBy: ledgerOfficer, PreparedAt: ledgerStart,
	}
}

var ledgerSigner = domain.Actor{ID: ledgerOfficer, Name: "员工", Role: domain.RoleLoanOfficer, BranchID: ledgerCounty}

func (l *ledger) addText(text loan.ContractText) loan.ContractText {
	l.t.Helper()
	l.update(func(tx origination.Tx) error {
		return tx.InsertContractText(l.t.Context(), text, text.Prepared(ledgerSigner))
	})
	return text
}

// signatureOf is a party's drawing under a text.
func (l *ledger) signatureOf(text loan.ContractText, party int) loan.Signature {
	drawing := []byte("\x89PNG\r\n\x1a\nsignature")
	return loan.Signature{
		ID: l.newID(), TextID: text.ID, ApplicationID: text.ApplicationID, BranchID: text.BranchID, PartyID: text.Parties[party].ID,
		Role: text.Parties[party].Role, Method: loan.SignatureDrawing, ShownSHA256: text.HTMLSHA256, Drawing: drawing, DrawingSHA256: loan.SHA256(drawing),
		TakenBy: ledgerOfficer, SignedAt: ledgerStart,
	}
}

func (l *ledger) trySign(s loan.Signature) error {
	l.t.Helper()
	return l.store.Update(l.t.Context(), func(tx origination.Tx) error { return tx.InsertSignature(l.t.Context(), s, s.Put(ledgerSigner)) })
}

func TestAContractTextComesBackAsItWasPreparedAndTheLastOneCounts(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(approved(l.draft(ledgerCounty)))
	everything := l.contractText(r, 2)
	everything.ContractNo = strings.Repeat("😀", loan.ContractNoMax)
	everything.Content, everything.HTML = bytes.Repeat([]byte("合"), loan.DocumentMax/3), bytes.Repeat([]byte("同"), loan.DocumentMax/3)
	everything.ContentSHA256, everything.HTMLSHA256, everything.PDFSHA256 = loan.SHA256(everything.Content), loan.SHA256(everything.HTML), ""
	everything.SignedOn, everything.PreparedAt = domain.MustParseDate("2199-12-31"), time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
	everything.Payees[0].For, everything.Payees[0].Amount = strings.Repeat("䶮", 100), money.MustParseAmount("9999999999999999.99")
	for len(everything.Parties) < loan.PartiesMax {
		p := everything.Parties[2]
		p.ID, p.Name = l.newID(), borrower.MustParseName(strings.Repeat("𠮷", borrower.NameRunesMax))
		everything.Parties = append(everything.Parties, p)
	}
	for len(everything.Payees) < loan.PayeesMax {
		everything.Payees = append(everything.Payees, everything.Payees[1])
	}
	nobody := l.contractText(r, 3)
	nobody.Payees = nil // a renewal of all that is owed
	for _, want := range []loan.ContractText{l.contractText(r, 1), everything, nobody} {
		l.addText(want)
		got, err := l.store.ContractText(t.Context(), ledgerEverything, r.ID)
		if diff := cmp.Diff(want, got, asStored, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("text %d: %v, prepared and read differ (-prepared +read):\n%s", want.Number, err, diff)
		}
	}
	err := l.store.Update(t.Context(), func(tx origination.Tx) error {
		twice := l.contractText(r, 3)
		return tx.InsertContractText(t.Context(), twice, twice.Prepared(ledgerSigner))
	})
	wantCode(t, "a number twice", err, domain.KindConflict, "stale-version")
	_, err = l.store.ContractText(t.Context(), domain.Scope{BranchID: ledgerSibling}, r.ID)
	wantCode(t, "another county's text", err, domain.KindNotFound, "contract-text-not-found")
	if n := l.count("SELECT COUNT(*) FROM contract_texts WHERE content_cipher LIKE '%合%' OR html_cipher LIKE '%同%'"); n != 0 {
		t.Errorf("%d texts stand in clear", n)
	}
	if n := l.count("SELECT COUNT(*) FROM contract_parties WHERE id_number_cipher LIKE '%110105%' OR phone_cipher LIKE '%139000%'"); n != 0 {
		t.Errorf("%d numbers of parties stand in clear", n)
	}
}

func TestSignaturesComeBackInTheirOrderAndEachPartySignsOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	text := l.addText(l.contractText(l.addApplication(approved(l.draft(ledgerCounty))), 1))
	drawn, byCode, elsewhere := l.signatureOf(text, 0), l.signatureOf(text, 3), l.signatureOf(text, 2)
	drawn.Drawing = append(drawn.Drawing, bytes.Repeat([]byte{0xff}, loan.DrawingBytesMax-len(drawn.Drawing))...)
	drawn.DrawingSHA256 = loan.SHA256(drawn.Drawing)
	byCode.Method, byCode.Drawing, byCode.DrawingSHA256, byCode.Reference = loan.SignatureCode, nil, "", l.newID().String()
	elsewhere.Method, elsewhere.Drawing, elsewhere.DrawingSHA256, elsewhere.Reference = loan.SignatureElectronic, nil, "", strings.Repeat("9", 64)
	byCode.SignedAt, elsewhere.SignedAt = ledgerStart.Add(time.Microsecond), ledgerStart.Add(time.Second)
	for _, s := range []loan.Signature{elsewhere, drawn, byCode} {
		l.must(l.trySign(s))
	}
	got, err := l.store.Signatures(t.Context(), text.ID)
	if diff := cmp.Diff([]loan.Signature{drawn, byCode, elsewhere}, got); err != nil || diff != "" {
		t.Errorf("%v, signed and read differ (-signed +read):\n%s", err, diff)
	}
	wantCode(t, "the chair again for the co-operative", l.trySign(l.signatureOf(text, 0)), domain.KindConflict, "already-signed")
	for what, wrong := range map[string]func(*loan.Signature){
		"a drawing without one":        func(s *loan.Signature) { s.Drawing, s.DrawingSHA256 = nil, "" },
		"a code with a drawing":        func(s *loan.Signature) { s.Method = loan.SignatureCode },
		"an unknown method":            func(s *loan.Signature) { s.Method = "thumb" },
		"a party of no text":           func(s *loan.Signature) { s.PartyID = l.newID() },
		"a text that is not there":     func(s *loan.Signature) { s.TextID = l.newID() },
		"a reference that is too long": func(s *loan.Signature) { s.Reference = strings.Repeat("9", 65) },
	} {
		s := l.signatureOf(text, 1)
		wrong(&s)
		if err := l.trySign(s); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: %v, want the database to refuse it", what, err)
		}
	}
	if n := l.count("SELECT COUNT(*) FROM signatures"); n != 3 {
		t.Errorf("%d signatures, want the three", n)
	}
}

func TestASigningCodeIsEnteredAtMostFiveTimesAndUsedOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	text := l.addText(l.contractText(l.addApplication(approved(l.draft(ledgerCounty))), 1))
	party := text.Parties[0].ID
	send := func(code string, at time.Time) loan.SigningCode {
		c := loan.SigningCode{
			ID: l.newID(), TextID: text.ID, ApplicationID: text.ApplicationID, BranchID: text.BranchID, PartyID: party, SentAt: at, ExpiresAt: at.Add(loan.CodeLifetime),
		}
		l.update(func(tx origination.Tx) error {
			return tx.InsertSigningCode(t.Context(), c, code, c.Sent(ledgerSigner, text.Parties[0].Phone))
		})
		return c
	}
	enter := func(c loan.SigningCode, code string) (right bool, err error) {
		err = l.store.Update(t.Context(), func(tx origination.Tx) error {
			right, err = tx.EnterSigningCode(t.Context(), c, code)
			return err
		})
		return right, err
	}
	first, second := send("123456", ledgerStart), send("123456", ledgerStart.Add(time.Minute))
	got, err := l.store.SigningCodes(t.Context(), party)
	if diff := cmp.Diff([]loan.SigningCode{second, first}, got); err != nil || diff != "" {
		t.Errorf("%v, codes sent and read differ, newest first (-sent +read):\n%s", err, diff)
	}
	if n := l.count("SELECT COUNT(DISTINCT code_hash) FROM signing_codes"); n != 2 {
		t.Errorf("%d hashes of two equal codes, want 2", n)
	}
	for range loan.CodeAttemptsMax {
		if right, err := enter(first, "654321"); right || err != nil {
			t.Fatalf("a wrong code: right %t, %v", right, err)
		}
	}
	if _, err := enter(first, "654321"); err == nil {
		t.Error("a sixth wrong entry was counted, want the database to refuse it")
	}
	if right, err := enter(second, "123456"); !right || err != nil {
		t.Errorf("the right code: right %t, %v", right, err)
	}
	if _, err := enter(second, "123456"); domain.CodeOf(err) != "stale-version" {
		t.Errorf("the same code again: %v, want stale-version", err)
	}
}

func TestAWaiverIsGivenOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	want := loan.Waiver{
		ID: l.newID(), ApplicationID: r.ID, BranchID: r.BranchID, Statement: strings.Repeat("愿", loan.StatementMax), WaivedBy: ledgerOfficer, WaivedAt: ledgerStart,
	}
	waive := func(w loan.Waiver) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.InsertWaiver(t.Context(), w, w.Waived(ledgerSigner)) })
	}
	if _, found, err := l.store.Waiver(t.Context(), r.ID); found || err != nil {
		t.Errorf("before: found %t, %v", found, err)
	}
	l.must(waive(want))
	got, found, err := l.store.Waiver(t.Context(), r.ID)
	if diff := cmp.Diff(want, got); !found || err != nil || diff != "" {
		t.Errorf("found %t, %v, given and read differ (-given +read):\n%s", found, err, diff)
	}
	again := want
	again.ID = l.newID()
	wantCode(t, "a second waiver", waive(again), domain.KindConflict, "cooling-off-waived")
}
