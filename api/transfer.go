package api

import (
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
)

// payeeOrderOf reads whom one part of a disbursement is to be paid to: the borrower, whose account is on file, or a named seller
// with what proves the purchase.
func payeeOrderOf(in *object) loan.PayeeOrder {
	payee := loan.PayeeOrder{Method: required(in, "method", parsePaymentMethod), Amount: required(in, "amount", positiveAmount)}
	if payee.Method == loan.EntrustedPayment {
		payee.Payee = loan.Payee{
			AccountName: required(in, "account_name", borrower.ParseName),
			Account:     required(in, "account", borrower.ParseBankAccount),
			BankName:    in.text("bank_name", 1, borrower.BankNameRunesMax),
		}
		payee.Evidence = evidenceOf(in)
	}
	return payee
}

func parsePaymentMethod(s string) (loan.PaymentMethod, error) {
	if m := loan.PaymentMethod(s); m.Valid() {
		return m, nil
	}
	return "", domain.BadValue("unknown-value", "支付方式应为 self_payment（自主支付）或 entrusted_payment（受托支付）")
}

// evidenceOf reads what proves something.
func evidenceOf(in *object) loan.Evidence {
	return loan.Evidence{Reference: in.text("document_reference", 1, loan.EvidenceReferenceMax), SHA256: in.text("document_sha256", 64, 64)}
}

type transferView struct {
	ID                domain.ID           `json:"id"`
	Number            int                 `json:"number"`
	Method            loan.PaymentMethod  `json:"method"`
	MethodLabel       string              `json:"method_label"`
	Amount            string              `json:"amount"`
	ReversedAmount    string              `json:"reversed_amount"`
	PayeeName         string              `json:"payee_name"`
	PayeeAccount      string              `json:"payee_account"`
	PayeeBankName     string              `json:"payee_bank_name"`
	DocumentReference string              `json:"document_reference"`
	DocumentSHA256    string              `json:"document_sha256"`
	Status            loan.TransferStatus `json:"status"`
	StatusLabel       string              `json:"status_label"`
	SentAt            *time.Time          `json:"sent_at"`
	SettledAt         *time.Time          `json:"settled_at"`
	ChannelReference  string              `json:"channel_reference"`
	FailureCode       string              `json:"failure_code"`
	FailureReason     string              `json:"failure_reason"`
	Attempts          int                 `json:"attempts"`
	LastError         string              `json:"last_error"`
}

func viewTransfer(t loan.TransferRecord) transferView {
	return transferView{
		ID: t.ID, Number: t.Number, Method: t.Method, MethodLabel: t.Method.Label(), Amount: t.Amount.String(), ReversedAmount: t.Reversed.String(),
		PayeeName: t.Payee.AccountName.String(), PayeeAccount: "****" + t.AccountLast4, PayeeBankName: t.Payee.BankName,
		DocumentReference: t.Evidence.Reference, DocumentSHA256: t.Evidence.SHA256, Status: t.Status, StatusLabel: t.Status.Label(),
		SentAt: present(t.SentAt), SettledAt: present(t.SettledAt), ChannelReference: t.ChannelReference,
		FailureCode: t.FailureCode, FailureReason: t.FailureReason, Attempts: t.Attempts, LastError: t.LastError,
	}
}
