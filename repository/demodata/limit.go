package demodata

import (
	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/product"
)

// limitsFrom is the first day of the shipped catalogue: no application is older.
const limitsFrom = "2022-01-01"

// shippedLimits are the parameters of catalogue.json that limit a household or a borrower, and whom they bind: the statistics
// of inclusive lending (普惠金融统计口径) count a farmer's production loans up to 5,000,000 and those of small businesses,
// sole proprietors among them, up to 10,000,000 of credit for one borrower.
var shippedLimits = map[string]struct {
	id    domain.ID
	kinds []string
}{
	product.ParameterInclusiveFarmerMax: {
		"01900000-0000-7000-8000-00000000e001",
		[]string{product.BorrowerFarmer, product.BorrowerFamilyFarmOwner, product.BorrowerCooperativeChair},
	},
	product.ParameterInclusiveSmallBusinessMax: {
		"01900000-0000-7000-8000-00000000e002",
		[]string{product.BorrowerSoleProprietor, product.BorrowerSmallEnterprise, product.BorrowerCooperative},
	},
}

// LenderLimits returns the shipped limits for one household or borrower across products (单户授信上限).
func LenderLimits() ([]origination.LenderLimit, error) {
	parameters, err := Parameters()
	if err != nil {
		return nil, err
	}
	var limits []origination.LenderLimit
	for _, p := range parameters {
		shipped, isLimit := shippedLimits[p.Name]
		if !isLimit {
			continue
		}
		l := origination.LenderLimit{
			ID: shipped.id, Name: p.Name, BorrowerKinds: shipped.kinds, Amount: p.Amount,
			EffectiveFrom: domain.MustParseDate(limitsFrom), Source: p.Note,
		}
		if err := l.Validate(); err != nil {
			return nil, err
		}
		limits = append(limits, l)
	}
	return limits, nil
}
