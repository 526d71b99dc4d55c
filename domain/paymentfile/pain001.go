package paymentfile

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of ISO 20022 texts.
const (
	nameRunesMax    = 140 // Max140Text
	accountRunesMax = 34  // Max34Text
)

const pain001Namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

// Debtor is the lender as its bank knows it: who pays (付款人).
type Debtor struct {
	Name    string // 户名, 1 to 140 characters
	Account string // 付款账号, 1 to 34 characters
	Bank    string // 开户行, 1 to 140 characters
}

// CreditTransfer is one payment order of a file (付款指令).
type CreditTransfer struct {
	TransferID domain.ID
	Amount     money.Amount // greater than 0.00
	Name       string       // of the payee: any characters of Unicode, rare ones as well
	Account    string
	Bank       string
	Purpose    string // on the payee's statement
}

// PaymentOrder is a batch of payment orders (批量付款文件).
type PaymentOrder struct {
	ID        domain.ID // MsgId and PmtInfId
	CreatedAt time.Time
	Debtor    Debtor
	Transfers []CreditTransfer
}

// Total is the control sum.
func (o PaymentOrder) Total() money.Amount {
	var sum money.Amount
	for _, t := range o.Transfers {
		sum = sum.Add(t.Amount)
	}
	return sum
}

func (o PaymentOrder) check() error {
	within := func(what, text string, most int) error {
		if n := utf8.RuneCountInString(text); n == 0 || n > most || !utf8.ValidString(text) {
			return fmt.Errorf("payment file %s: %s has %d characters, want 1 to %d", o.ID, what, n, most)
		}
		return nil
	}
	if len(o.Transfers) == 0 {
		return fmt.Errorf("payment file %s: no transfers", o.ID)
	}
	for _, part := range []struct {
		what, text string
		most       int
	}{{"debtor", o.Debtor.Name, nameRunesMax}, {"debtor's account", o.Debtor.Account, accountRunesMax}, {"debtor's bank", o.Debtor.Bank, nameRunesMax}} {
		if err := within(part.what, part.text, part.most); err != nil {
			return err
		}
	}
	seen := make(map[domain.ID]bool, len(o.Transfers))
	for _, t := range o.Transfers {
		if t.Amount.Sign() <= 0 || seen[t.TransferID] || t.TransferID.IsZero() {
			return fmt.Errorf("payment file %s: transfer %s of %s, twice: %v", o.ID, t.TransferID, t.Amount, seen[t.TransferID])
		}
		seen[t.TransferID] = true
		if err := within("payee of "+t.TransferID.String(), t.Name, nameRunesMax); err != nil {
			return err
		}
		if err := within("account of "+t.TransferID.String(), t.Account, accountRunesMax); err != nil {
			return err
		}
		if err := within("bank of "+t.TransferID.String(), t.Bank, nameRunesMax); err != nil {
			return err
		}
	}
	return nil
}

// Pain001 is the order as pain.001.001.09, in UTF-8: one PmtInf with one CdtTrfTxInf for each transfer, whose EndToEndId is the transfer's
// id without its dashes. The same order gives the same bytes. An error is a mistake of the program or a text that the message
// cannot carry.
func (o PaymentOrder) Pain001() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var file bytes.Buffer
	x := newXMLWriter(&file)
	x.open("Document", xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: pain001Namespace})
	x.open("CstmrCdtTrfInitn")
	count, sum := strconv.Itoa(len(o.Transfers)), o.Total().String()
	x.inside([]string{"GrpHdr"}, func() {
		x.leaf("MsgId", EndToEndIDOf(o.ID))
		x.leaf("CreDtTm", o.CreatedAt.In(domain.BusinessZone).Format("2006-01-02T15:04:05-07:00"))
		x.leaf("NbOfTxs", count)
		x.leaf("CtrlSum", sum)
		x.inside([]string{"InitgPty"}, func() { x.leaf("Nm", o.Debtor.Name) })
	})
	x.open("PmtInf")
	x.leaf("PmtInfId", EndToEndIDOf(o.ID))
	x.leaf("PmtMtd", "TRF")
	x.leaf("NbOfTxs", count)
	x.leaf("CtrlSum", sum)
	x.inside([]string{"ReqdExctnDt"}, func() { x.leaf("Dt", domain.DateOf(o.CreatedAt).String()) })
	x.inside([]string{"Dbtr"}, func() { x.leaf("Nm", o.Debtor.Name) })
	x.inside([]string{"DbtrAcct", "Id", "Othr"}, func() { x.leaf("Id", o.Debtor.Account) })
	x.inside([]string{"DbtrAgt", "FinInstnId"}, func() { x.leaf("Nm", o.Debtor.Bank) })
	for _, t := range o.Transfers {
		x.inside([]string{"CdtTrfTxInf"}, func() { writeTransfer(x, t) })
	}
	x.close("PmtInf")
	x.close("CstmrCdtTrfInitn")
	x.close("Document")
	if err := x.end(); err != nil {
		return nil, fmt.Errorf("payment file %s: %w", o.ID, err)
	}
	return file.Bytes(), nil
}

func writeTransfer(x *xmlWriter, t CreditTransfer) {
	x.inside([]string{"PmtId"}, func() { x.leaf("EndToEndId", EndToEndIDOf(t.TransferID)) })
	x.inside([]string{"Amt"}, func() {
		x.leaf("InstdAmt", t.Amount.String(), xml.Attr{Name: xml.Name{Local: "Ccy"}, Value: Currency})
	})
	x.inside([]string{"CdtrAgt", "FinInstnId"}, func() { x.leaf("Nm", t.Bank) })
	x.inside([]string{"Cdtr"}, func() { x.leaf("Nm", t.Name) })
	x.inside([]string{"CdtrAcct", "Id", "Othr"}, func() { x.leaf("Id", t.Account) })
	if t.Purpose != "" {
		x.inside([]string{"RmtInf"}, func() { x.leaf("Ustrd", t.Purpose) })
	}
}
