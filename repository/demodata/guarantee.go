package demodata

import (
	"fmt"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// GuaranteeCompany is a sample guarantee company (农担公司) of the demo.
type GuaranteeCompany struct {
	ID     domain.ID
	Code   string
	Sample bool // true: the numbers are made up
	Terms  loan.GuaranteeTerms
}

type guaranteeFile struct {
	Note      string `json:"note"`
	Companies []struct {
		ID              domain.ID   `json:"id"`
		Code            string      `json:"code"`
		Sample          bool        `json:"sample"`
		Name            string      `json:"name"`
		Products        []string    `json:"products"`
		RegionPrefix    string      `json:"region_prefix"`
		CompanySharePct money.Rate  `json:"company_share_pct"`
		From            domain.Date `json:"from"`
		Fees            []struct {
			Crop  loan.GuaranteeCrop `json:"crop"`
			From  money.Amount       `json:"from"`
			Below money.Amount       `json:"below"`
			Pct   money.Rate         `json:"pct"`
		} `json:"fees"`
		Quotas []struct {
			RegionPrefix string       `json:"region_prefix"`
			Limit        money.Amount `json:"limit"`
			From         domain.Date  `json:"from"`
			Until        domain.Date  `json:"until"`
		} `json:"quotas"`
	} `json:"companies"`
}

// GuaranteeCompanies returns the sample guarantee companies.
func GuaranteeCompanies() ([]GuaranteeCompany, error) {
	var file guaranteeFile
	if err := decodeFile("guarantee.json", &file); err != nil {
		return nil, err
	}
	companies := make([]GuaranteeCompany, 0, len(file.Companies))
	for _, c := range file.Companies {
		terms := loan.GuaranteeTerms{
			Name: c.Name, Products: c.Products, RegionPrefix: c.RegionPrefix, CompanySharePct: c.CompanySharePct, From: c.From,
		}
		for _, f := range c.Fees {
			terms.Fees = append(terms.Fees, loan.GuaranteeFee(f))
		}
		for _, q := range c.Quotas {
			terms.Quotas = append(terms.Quotas, loan.GuaranteeQuota(q))
		}
		if _, err := domain.ParseID(c.ID.String()); err != nil {
			return nil, fmt.Errorf("demodata: guarantee company %q: %w", c.Code, err)
		}
		if err := terms.Validate(); err != nil {
			return nil, fmt.Errorf("demodata: guarantee company %q: %w", c.Code, err)
		}
		companies = append(companies, GuaranteeCompany{ID: c.ID, Code: c.Code, Sample: c.Sample, Terms: terms})
	}
	return companies, nil
}
