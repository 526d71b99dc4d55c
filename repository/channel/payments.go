package channel

import (
	"context"
	"log/slog"

	"fumin/domain/loan"
	"fumin/domain/origination"
)

// Payments lets the worker of domain/origination speak to a channel: it turns a transfer into an order and a Result
// into an answer. Here the payee's account is revealed, because the channel must know where the money goes.
type Payments struct {
	client *Client
	log    *slog.Logger
}

var _ origination.PaymentChannel = (*Payments)(nil)

// NewPayments builds the adapter.
func NewPayments(client *Client, log *slog.Logger) *Payments {
	return &Payments{client: client, log: log}
}

// purposes is what the bank's record says the money is for: the seller of an entrusted payment sees it on the statement.
var purposes = map[loan.PaymentMethod]string{loan.SelfPayment: "发放贷款", loan.EntrustedPayment: "贷款受托支付"}

// Pay implements origination.PaymentChannel.
func (p *Payments) Pay(ctx context.Context, t loan.TransferRecord) origination.PaymentAnswer {
	result, err := p.client.Pay(ctx, Payment{
		ID: t.ID, Amount: t.Amount,
		PayeeAccount: t.Payee.Account.Reveal(), PayeeName: t.Payee.AccountName.Reveal(), PayeeBank: t.Payee.BankName,
		Purpose: purposes[t.Method],
	})
	if err != nil {
		// The order could not be made: nothing was sent, and whatever is wrong with it will be wrong next time.
		p.log.ErrorContext(ctx, "payment order refused before sending", slog.String("transfer_id", t.ID.String()), slog.Any("error", err))
		return origination.PaymentAnswer{
			State: origination.PaymentNotSendable, Code: "order-not-sendable",
			Reason: "付款指令不合渠道的规定，从未发出：请核对收款人户名、账号和开户行，更正后重新申请放款",
		}
	}
	return p.answer(ctx, t, result)
}

// Query implements origination.PaymentChannel.
func (p *Payments) Query(ctx context.Context, t loan.TransferRecord) origination.PaymentAnswer {
	result, err := p.client.Query(ctx, t.ID, t.Amount)
	if err != nil {
		p.log.ErrorContext(ctx, "payment query refused before sending", slog.String("transfer_id", t.ID.String()), slog.Any("error", err))
		return origination.PaymentAnswer{State: origination.PaymentUnknown, Code: "query-not-sendable"}
	}
	return p.answer(ctx, t, result)
}

func (p *Payments) answer(ctx context.Context, t loan.TransferRecord, r Result) origination.PaymentAnswer {
	if r.State == StateUnknown {
		p.log.WarnContext(ctx, "payment channel gave no definite answer",
			slog.String("transfer_id", t.ID.String()), slog.String("code", r.FailureCode), slog.Any("error", r.Cause))
	}
	return origination.PaymentAnswer{
		State: origination.PaymentState(r.State), Reference: r.ChannelReference, PaidAt: r.PaidAt, Code: r.FailureCode, Reason: r.FailureReason,
	}
}
