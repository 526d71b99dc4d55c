package paymentfile

import (
	"errors"
	"io"

	"fumin/domain"
)

// OrderStatus is what a bank says of a payment order (付款状态).
type OrderStatus string

// The statuses, as far as they decide something. Every other code is pending: the bank has it, and it is not at its end.
const (
	OrderSettled  OrderStatus = "settled"  // ACSC, ACCC: the money has moved
	OrderRejected OrderStatus = "rejected" // RJCT: no money moved and none will
	OrderPending  OrderStatus = "pending"  // PDNG, ACTC, ACSP and all others
)

func orderStatus(code string) OrderStatus {
	switch code {
	case "ACSC", "ACCC":
		return OrderSettled
	case "RJCT":
		return OrderRejected
	}
	return OrderPending
}

// StatusReportRowsMax bounds the orders of one report.
const StatusReportRowsMax = 10_000

// OrderReport is what a report says of one order.
type OrderReport struct {
	EndToEndID string
	TransferID domain.ID // zero when it cannot be one of ours
	Status     OrderStatus
	Code       string      // as the bank writes it: ACSC, RJCT, PDNG …
	Reason     string      // ISO reason code or the bank's own, of a rejection: AC04
	Text       string      // the bank's words about it
	Reference  string      // the bank's own number
	AcceptedOn domain.Date // the day on which the bank carried out the order (AccptncDtTm); zero when it does not say
}

// StatusReport is a pain.002 (付款状态报告).
type StatusReport struct {
	OrderID domain.ID // of the payment file; zero when its MsgId is none of ours
	// All is what the report says of the whole file and of no single order: rejected, or pending; empty when it names orders.
	All    OrderReport
	Orders []OrderReport
}

// ReadPain002 reads a status report, versions 001.02 to 001.13. It refuses with "payment-file-unreadable"; an error of r is returned as
// it is. Of the bank's texts no more than referenceMax characters are kept.
func ReadPain002(r io.Reader) (StatusReport, error) {
	x := newXMLReader(r)
	if err := x.document("pain.002.001.", "CstmrPmtStsRpt"); err != nil {
		return StatusReport{}, err
	}
	var p pain002
	for {
		e, err := x.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return StatusReport{}, err
		}
		path := x.below(reportDepth)
		if e.end {
			if err := p.ended(path, e.text); err != nil {
				return StatusReport{}, err
			}
			x.leave()
		} else if path == orderPath {
			p.order = OrderReport{}
		}
	}
	if p.messageID == "" {
		return StatusReport{}, errUnreadable("报告没有写明原文件编号（OrgnlMsgId）")
	}
	p.report.OrderID = TransferIDOf(p.messageID)
	if len(p.report.Orders) > 0 {
		p.report.All = OrderReport{}
	}
	return p.report, nil
}

const (
	reportDepth = 2 // Document/CstmrPmtStsRpt
	groupPath   = "OrgnlGrpInfAndSts"
	batchPath   = "OrgnlPmtInfAndSts"
	orderPath   = batchPath + "/TxInfAndSts"
)

type pain002 struct {
	report    StatusReport
	messageID string
	order     OrderReport
}

func (p *pain002) ended(path, text string) error {
	text = clipTo(text, referenceMax)
	switch path {
	case groupPath + "/OrgnlMsgId":
		if p.messageID != "" && p.messageID != text {
			return errUnreadable("报告说的是几个文件，请分开提供")
		}
		p.messageID = text
	case groupPath + "/GrpSts", batchPath + "/PmtInfSts":
		if p.report.All.Status != OrderRejected { // the batch is the whole of our file
			p.report.All.Code, p.report.All.Status = text, orderStatus(text)
		}
	case groupPath + "/StsRsnInf/Rsn/Cd", groupPath + "/StsRsnInf/Rsn/Prtry", batchPath + "/StsRsnInf/Rsn/Cd", batchPath + "/StsRsnInf/Rsn/Prtry":
		p.report.All.Reason = text
	case groupPath + "/StsRsnInf/AddtlInf", batchPath + "/StsRsnInf/AddtlInf":
		p.report.All.Text = text
	case orderPath + "/OrgnlEndToEndId":
		p.order.EndToEndID, p.order.TransferID = text, TransferIDOf(text)
	case orderPath + "/TxSts":
		p.order.Code, p.order.Status = text, orderStatus(text)
	case orderPath + "/StsRsnInf/Rsn/Cd", orderPath + "/StsRsnInf/Rsn/Prtry":
		p.order.Reason = text
	case orderPath + "/StsRsnInf/AddtlInf":
		p.order.Text = text
	case orderPath + "/AcctSvcrRef":
		p.order.Reference = text
	case orderPath + "/AccptncDtTm":
		on, ok := parseDay(text)
		if !ok {
			return errUnreadable("第 %d 笔的受理时间（AccptncDtTm）%s 不是时间", len(p.report.Orders)+1, text)
		}
		p.order.AcceptedOn = on
	case orderPath:
		if p.order.EndToEndID == "" || p.order.Code == "" {
			return errUnreadable("第 %d 笔没有原付款编号或状态", len(p.report.Orders)+1)
		}
		if len(p.report.Orders) == StatusReportRowsMax {
			return errUnreadable("报告超过 %d 笔", StatusReportRowsMax)
		}
		p.report.Orders = append(p.report.Orders, p.order)
	}
	return nil
}

func clipTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
