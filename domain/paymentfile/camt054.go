package paymentfile

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"time"

	"fumin/domain/money"
)

// ReadCamt054 reads a day file that is a camt.054 debit notification (借记通知), versions 001.02 to 001.13, and hands each
// transaction to take, whose error ends the reading. Only booked debits in CNY are read: anything else (a return, a reversal, a pending
// entry) refuses the whole file, because to leave out what one does not expect would be to lose money.
//
// It refuses with "payment-file-unreadable"; an error of r is returned as it is.
func ReadCamt054(r io.Reader, take func(DayEntry) error) (Totals, error) {
	x := newXMLReader(r)
	if err := x.document("camt.054.001.", "BkToCstmrDbtCdtNtfctn"); err != nil {
		return Totals{}, err
	}
	c := camt{tally: tally{take: take}}
	for {
		e, err := x.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Totals{}, err
		}
		if err := c.element(e, x.below(notificationDepth)); err != nil {
			return Totals{}, err
		}
		if e.end {
			x.leave()
		}
	}
	if !c.notified {
		return Totals{}, errUnreadable("文件中没有通知（Ntfctn）")
	}
	return c.totals, nil
}

const notificationDepth = 3 // Document/BkToCstmrDbtCdtNtfctn/Ntfctn

// camt is what has been read of the notification, the entry and the transaction under way.
type camt struct {
	tally

	notified     bool
	noticeCount  string       // TxsSummry: what the file says of itself
	noticeSum    string       //
	inNotice     Totals       // of the entries of this notification
	entry        DayEntry     // what all transactions of the entry share
	entryAmount  money.Amount //
	entryStatus  string
	transaction  DayEntry
	transactions Totals // of the entry
}

func (c *camt) element(e element, path string) error {
	switch {
	case e.end:
		return c.ended(e.text, path, e.name)
	case path == "Ntry":
		c.entry, c.entryAmount, c.entryStatus, c.transactions = DayEntry{}, money.Amount{}, "", Totals{}
	case path == "Ntry/NtryDtls/TxDtls":
		c.transaction = DayEntry{}
	case path == "Ntry/Amt" || path == "Ntry/NtryDtls/TxDtls/Amt" || path == "Ntry/NtryDtls/TxDtls/AmtDtls/TxAmt/Amt":
		if currency := e.attribute("Ccy"); currency != Currency {
			return c.refuse("币种应为 CNY")
		}
	case path == "" && e.name == "Ntfctn":
		c.notified, c.noticeCount, c.noticeSum, c.inNotice = true, "", "", Totals{}
	}
	return nil
}

func (c *camt) refuse(what string) error {
	return errUnreadable("第 %d 笔：%s", c.totals.Entries+1, what)
}

// ended takes the text of an element that ended.
func (c *camt) ended(text, path, name string) (err error) {
	const transaction = "Ntry/NtryDtls/TxDtls"
	switch path {
	case "":
		if name == "Ntfctn" {
			return c.notice()
		}
	case "TxsSummry/TtlNtries/NbOfNtries":
		c.noticeCount = text
	case "TxsSummry/TtlNtries/Sum":
		c.noticeSum = text
	case "Ntry/Amt":
		if c.entryAmount, err = parseAmount(text); err != nil {
			return c.refuse("金额不对")
		}
	case transaction + "/Amt", transaction + "/AmtDtls/TxAmt/Amt":
		amount, err := parseAmount(text)
		if err != nil || (!c.transaction.Amount.IsZero() && !c.transaction.Amount.Equal(amount)) {
			return c.refuse("金额不对，或一笔有两个金额")
		}
		c.transaction.Amount = amount
	case "Ntry/CdtDbtInd", transaction + "/CdtDbtInd":
		if text != "DBIT" {
			return c.refuse("是贷记（退汇或来账）。请让渠道另行提供；退回的款项用冲正登记")
		}
	case "Ntry/RvslInd":
		if text != "false" && text != "0" {
			return c.refuse("是冲销记录，请用冲正登记")
		}
	case "Ntry/Sts", "Ntry/Sts/Cd": // a code up to version 07, an element with a code later
		if text != "" {
			c.entryStatus = text
		}
	case "Ntry/BookgDt/Dt", "Ntry/BookgDt/DtTm":
		day, ok := parseDay(text)
		if !ok {
			return c.refuse("入账日期不对")
		}
		c.entry.PaidOn = day
	case "Ntry/AcctSvcrRef":
		c.entry.Reference = text
	case transaction + "/Refs/EndToEndId":
		c.transaction.EndToEndID = text
	case transaction + "/Refs/AcctSvcrRef":
		c.transaction.Reference = text
	case transaction:
		return c.paid(c.transaction)
	case "Ntry":
		return c.entryEnds()
	}
	return nil
}

// paid takes one transaction of an entry. A transaction without an amount of its own has the entry's.
func (c *camt) paid(t DayEntry) error {
	if c.entryStatus != "BOOK" {
		return c.refuse("状态应为 BOOK（已入账）")
	}
	if t.Amount.IsZero() {
		t.Amount = c.entryAmount
	}
	t.PaidOn = c.entry.PaidOn
	if t.Reference == "" {
		t.Reference = c.entry.Reference
	}
	c.transactions.Entries++
	c.transactions.Amount = c.transactions.Amount.Add(t.Amount)
	return c.add(t)
}

// entryEnds holds the entry's amount against its transactions. An entry without any is one payment whose number is not known.
func (c *camt) entryEnds() error {
	if c.transactions.Entries == 0 {
		if err := c.paid(DayEntry{}); err != nil {
			return err
		}
	}
	if !c.transactions.Amount.Equal(c.entryAmount) {
		return errUnreadable("第 %d 笔所在的分录金额 %s 与其明细之和 %s 不符", c.totals.Entries, c.entryAmount, c.transactions.Amount)
	}
	c.inNotice.Entries++
	c.inNotice.Amount = c.inNotice.Amount.Add(c.entryAmount)
	return nil
}

// notice holds what the notification says of itself against what it holds.
func (c *camt) notice() error {
	if c.noticeCount != "" && c.noticeCount != strconv.Itoa(c.inNotice.Entries) {
		return errUnreadable("文件写明 %s 笔分录，实有 %d 笔：文件不完整，请重新下载", clip(c.noticeCount), c.inNotice.Entries)
	}
	if c.noticeSum == "" {
		return nil
	}
	sum, err := parseAmount(c.noticeSum)
	if err != nil || !sum.Equal(c.inNotice.Amount) {
		return errUnreadable("文件写明合计 %s，实为 %s：文件不完整，请重新下载", clip(c.noticeSum), c.inNotice.Amount)
	}
	return nil
}

// clip shortens a text of the file for a message.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}

// camt054Namespace is what WriteCamt054 writes.
const camt054Namespace = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"

// Camt054Head is what a debit notification says of itself.
type Camt054Head struct {
	MessageID string // 1 to 35 characters
	CreatedAt time.Time
	Account   string // the account that paid
}

// WriteCamt054 writes a debit notification as a bank would, one entry for each payment: for the sandbox channel.
func WriteCamt054(w io.Writer, head Camt054Head, entries []DayEntry) error {
	var sum money.Amount
	for _, e := range entries {
		sum = sum.Add(e.Amount)
	}
	x := newXMLWriter(w)
	x.open("Document", xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: camt054Namespace})
	x.open("BkToCstmrDbtCdtNtfctn")
	x.open("GrpHdr")
	x.leaf("MsgId", head.MessageID)
	x.leaf("CreDtTm", head.CreatedAt.UTC().Format(time.RFC3339))
	x.close("GrpHdr")
	x.open("Ntfctn")
	x.leaf("Id", head.MessageID)
	x.inside([]string{"Acct", "Id", "Othr"}, func() { x.leaf("Id", head.Account) })
	x.inside([]string{"TxsSummry", "TtlNtries"}, func() {
		x.leaf("NbOfNtries", strconv.Itoa(len(entries)))
		x.leaf("Sum", sum.String())
	})
	for _, e := range entries {
		x.open("Ntry")
		x.leaf("Amt", e.Amount.String(), xml.Attr{Name: xml.Name{Local: "Ccy"}, Value: Currency})
		x.leaf("CdtDbtInd", "DBIT")
		x.inside([]string{"Sts"}, func() { x.leaf("Cd", "BOOK") })
		x.inside([]string{"BookgDt"}, func() { x.leaf("Dt", e.PaidOn.String()) })
		x.leaf("AcctSvcrRef", e.Reference)
		x.inside([]string{"BkTxCd", "Prtry"}, func() { x.leaf("Cd", "LOAN") })
		x.inside([]string{"NtryDtls", "TxDtls"}, func() {
			x.inside([]string{"Refs"}, func() { x.leaf("EndToEndId", e.EndToEndID) })
			x.leaf("Amt", e.Amount.String(), xml.Attr{Name: xml.Name{Local: "Ccy"}, Value: Currency})
			x.leaf("CdtDbtInd", "DBIT")
		})
		x.close("Ntry")
	}
	x.close("Ntfctn")
	x.close("BkToCstmrDbtCdtNtfctn")
	x.close("Document")
	return x.end()
}
