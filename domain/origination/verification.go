package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/loan"
)

// Verification says which of the stored hashes still match what is stored (合同验真).
type Verification struct {
	Text           loan.ContractText
	ContentSHA256  string // recomputed
	HTMLSHA256     string
	PDFSHA256      string // empty when it cannot be printed here; PDFProblem says why
	PDFProblem     string
	PageSaysSame   bool // the page, printed again from the content, is the stored page
	Signatures     []SignatureCheck
	ContractSHA256 string // what the signed contract recorded; empty while not signed
	Intact         bool
}

// SignatureCheck is one signature's part of a Verification.
type SignatureCheck struct {
	Signature loan.Signature
	Shown     bool // the hash that was signed is that of the stored page
	Drawing   bool // the stored drawing has its hash; true where there is none
}

// Verify recomputes the hashes of a contract's text, its print and its signatures.
func (s *Signatures) Verify(ctx context.Context, by domain.Actor, id domain.ID) (Verification, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return Verification{}, err
	}
	text, err := s.store.ContractText(ctx, by.Scope(), id)
	if err != nil {
		return Verification{}, err
	}
	signatures, err := s.store.Signatures(ctx, text.ID)
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Text: text, ContentSHA256: loan.SHA256(text.Content), HTMLSHA256: loan.SHA256(text.HTML)}
	v.Intact = v.ContentSHA256 == text.ContentSHA256 && v.HTMLSHA256 == text.HTMLSHA256
	if document, err := loan.ParseDocument(text.Content); err != nil {
		v.PDFProblem, v.Intact = "content-unreadable", false
	} else if err := s.verifyPrints(document, &v); err != nil {
		return Verification{}, err
	}
	for _, signature := range signatures {
		check := SignatureCheck{
			Signature: signature, Shown: signature.ShownSHA256 == v.HTMLSHA256,
			Drawing: len(signature.Drawing) == 0 && signature.DrawingSHA256 == "" || loan.SHA256(signature.Drawing) == signature.DrawingSHA256,
		}
		v.Signatures = append(v.Signatures, check)
		v.Intact = v.Intact && check.Shown && check.Drawing
	}
	contract, err := s.store.Contract(ctx, by.Scope(), id)
	switch {
	case err == nil && contract.TextID == text.ID:
		v.ContractSHA256 = contract.DocumentSHA256
		v.Intact = v.Intact && v.ContractSHA256 == v.HTMLSHA256
	case err != nil && domain.CodeOf(err) != "contract-not-found":
		return Verification{}, err
	}
	return v, nil
}

func (s *Signatures) verifyPrints(document loan.Document, v *Verification) error {
	page, err := s.printer.HTML(document)
	if err != nil {
		return err
	}
	v.PageSaysSame = loan.SHA256(page) == v.Text.HTMLSHA256
	pdf, err := s.printer.PDF(document)
	switch code := domain.CodeOf(err); {
	case err == nil:
		v.PDFSHA256 = loan.SHA256(pdf)
		if v.Text.PDFSHA256 == "" {
			v.PDFProblem = "not-recorded"
		} else if v.PDFSHA256 != v.Text.PDFSHA256 {
			v.PDFProblem = "printed-otherwise" // another font, or another release of this program
		}
	case code == "font-missing" || code == "glyph-missing":
		v.PDFProblem = code
	default:
		return err
	}
	return nil
}
