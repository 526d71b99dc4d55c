package origination

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// SendCode sends a signing code to a party (发送签署验证码). The code is stored before it is sent, as a keyed hash; one that could
// not be sent expires unused.
func (s *Signatures) SendCode(ctx context.Context, by domain.Actor, applicationID, partyID domain.ID) (loan.SigningCode, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return loan.SigningCode{}, err
	}
	code, err := s.newCode()
	if err != nil {
		return loan.SigningCode{}, err
	}
	now, id := s.now(), s.newID()
	var sent loan.SigningCode
	var party loan.Party
	var contractNo string
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
		if err != nil {
			return err
		}
		text, signer, err := signerOf(ctx, tx, by, app, partyID)
		if err != nil {
			return err
		}
		if signer.Phone.IsZero() || !signer.Phone.IsMobile() {
			return domain.Errorf(domain.KindRule, "party-phone-missing", "这位签约人没有登记手机号码：请重新生成合同并填写，或改用其他签署方式")
		}
		codes, err := tx.SigningCodes(ctx, partyID)
		if err != nil {
			return err
		}
		switch {
		case len(codes) >= loan.CodesMax:
			return domain.Errorf(domain.KindRule, "codes-exhausted", "已发送 %d 次验证码：请改用其他签署方式，或重新生成合同", loan.CodesMax)
		case len(codes) > 0 && now.Before(codes[0].SentAt.Add(loan.CodePause)):
			wait := codes[0].SentAt.Add(loan.CodePause).Sub(now) // rounded up: who waits as long as we say is not refused again
			return domain.Errorf(domain.KindConflict, "code-too-soon", "刚刚发送过验证码：请 %d 秒后再试", int((wait+time.Second-1)/time.Second))
		}
		c := loan.SigningCode{
			ID: id, TextID: text.ID, ApplicationID: applicationID, BranchID: text.BranchID, PartyID: partyID,
			SentAt: now, ExpiresAt: now.Add(loan.CodeLifetime),
		}
		if err := tx.InsertSigningCode(ctx, c, code, c.Sent(by, signer.Phone)); err != nil {
			return err
		}
		sent, party, contractNo = c, signer, text.ContractNo
		return nil
	})
	if err != nil {
		return loan.SigningCode{}, err
	}
	message := fmt.Sprintf("【富民贷款】您正在签署合同 %s，验证码 %s，%d 分钟内有效。请先阅读合同全文；验证码请勿告诉他人。",
		contractNo, code, int(loan.CodeLifetime.Minutes()))
	if err := s.service.SendCode(ctx, sent.ID, party.Phone, message); err != nil {
		return loan.SigningCode{}, err
	}
	return sent, nil
}

// newCode draws loan.CodeDigits digits, all equally likely.
func (s *Signatures) newCode() (string, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(loan.CodeDigits), nil)
	raw := make([]byte, 16) // 128 bits over a million codes: the remainder's bias is below 2^-100
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return "", fmt.Errorf("draw a signing code: %w", err)
	}
	return fmt.Sprintf("%0*d", loan.CodeDigits, new(big.Int).Mod(new(big.Int).SetBytes(raw), limit)), nil
}

// enterCode tries the last code that was sent to the party.
func (p *putting) enterCode(ctx context.Context, tx Tx) (reference string, refused, err error) {
	codes, err := tx.SigningCodes(ctx, p.cmd.PartyID)
	if err != nil {
		return "", nil, err
	}
	if len(codes) == 0 {
		return "", nil, domain.Errorf(domain.KindConflict, "code-not-sent", "还没有给这位签约人发送验证码：请先发送")
	}
	last := codes[0]
	if err := last.Usable(p.now); err != nil {
		return "", nil, err
	}
	right, err := tx.EnterSigningCode(ctx, last, p.cmd.Code)
	if err != nil {
		return "", nil, err
	}
	if right {
		return last.ID.String(), nil, nil
	}
	left := loan.CodeAttemptsMax - last.Attempts - 1
	if left == 0 {
		return "", domain.Errorf(domain.KindRule, "code-wrong", "验证码不正确，还可以输入 0 次：请重新获取验证码，或改用平板手写签署"), nil
	}
	return "", domain.Errorf(domain.KindRule, "code-wrong", "验证码不正确，还可以输入 %d 次", left), nil
}
