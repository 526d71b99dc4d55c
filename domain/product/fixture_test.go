package product_test

import (
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

var (
	amount = money.MustParseAmount
	rate   = money.MustParseRate
	date   = domain.MustParseDate
)

const (
	shandongID = domain.ID("01900000-0000-7000-8000-000000000001")
	yantaiID   = domain.ID("01900000-0000-7000-8000-000000000002")
	newID      = domain.ID("01900000-0000-7000-8000-000000000003")
	makerID    = domain.ID("01900000-0000-7000-8000-00000000000a")
	checkerID  = domain.ID("01900000-0000-7000-8000-00000000000b")
)

// farmerLoan is 齐鲁富民贷.
func farmerLoan() product.Product {
	return product.Product{
		Code: "QLFMD", Name: "齐鲁富民贷", BorrowerKinds: []string{product.BorrowerFarmer},
		ExposureUnit: product.ExposureHousehold, Revolving: true,
		Channels: []product.Channel{product.ChannelTablet, product.ChannelCounter},
		Partners: []product.Partner{product.PartnerGuaranteeCompany, product.PartnerRuralRevitalisationBureau},
	}
}

// shandong is its version for the province, active since 2022-02-01.
func shandong() product.Version {
	return product.Version{
		ID: shandongID, ProductCode: "QLFMD", RegionPrefix: "37", EffectiveFrom: date("2022-02-01"),
		Status: product.StatusActive, MadeBy: makerID, ActivatedBy: checkerID,
		Source: product.Source{Document: "罗庄区政府公开的产品说明"},
		Sources: map[product.TermName]product.Source{
			product.TermQuickApprovalMax: {Document: "示例", Sample: true},
		},
		Terms: product.Terms{
			AmountMin: amount("3000.00"), AmountMax: amount("3000000.00"), TermMonthsMin: 1, TermMonthsMax: 60,
			AgeMin: 18, AgePlusTermMax: 65,
			Price:            product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20},
			RepaymentMethods: []schedule.Method{"equal_instalment", "equal_principal", "interest_only_bullet", "lump_sum"},
			Guarantee: []product.GuaranteeTier{
				{Below: amount("100000.00"), Kind: product.GuaranteeCredit},
				{
					From: amount("100000.00"), Kind: product.GuaranteeCompany, FeeMaxPct: rate("0.75"), FeeMaxGrainPct: rate("0.50"),
					CounterSpouseUpTo: amount("200000.00"),
				},
			},
			Documents: []product.Document{
				{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentIDCard, Key: true},
				{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentCreditEnquiryConsent, Key: true},
				{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentPurposeEvidence, DeferDaysMax: 30, Blocks: product.BlocksNextDraw},
			},
			ForbiddenPurposes: []string{product.PurposeLivingCosts, product.PurposeHouse},
			QuickApprovalMax:  amount("100000.00"),
			EntrustedPayment: []product.EntrustedPaymentAmount{
				{PurposeKind: product.PurposeKindProduction, Above: amount("500000.00")},
				{PurposeKind: product.PurposeKindConsumption, Above: amount("300000.00")},
			},
		},
	}
}

// yantai is "like Shandong, but age + term ≤ 64", from 2022-03-15.
func yantai() product.Version {
	draft := product.Version{
		ID: yantaiID, ProductCode: "QLFMD", RegionPrefix: "3706", EffectiveFrom: date("2022-03-15"),
		Status: product.StatusActive, MadeBy: makerID, ActivatedBy: checkerID,
		Source:     product.Source{Document: "胶东在线 2022-03-15"},
		Overridden: []product.TermName{product.TermAgePlusTermMax},
		Terms:      product.Terms{AgePlusTermMax: 64},
	}
	return product.Materialise(draft, shandong())
}

// draft is a new version for Shandong, made by makerID, that lends up to 5,000,000.
func draft() product.Version {
	v := shandong()
	v.ID, v.EffectiveFrom, v.Status, v.ActivatedBy = newID, date("2022-07-01"), product.StatusDraft, ""
	v.AmountMax = amount("5000000.00")
	v.Source = product.Source{Document: "2022 年 6 月产品委员会纪要"}
	return v
}

func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func referenceRates(rows ...product.ReferenceRate) product.ReferenceRates {
	rates, err := product.NewReferenceRates(rows)
	if err != nil {
		panic(err)
	}
	return rates
}

func published(on, oneYear, fiveYear string) product.ReferenceRate {
	return product.ReferenceRate{ID: domain.ID("lpr-" + on), PublishedOn: date(on), OneYearPct: rate(oneYear), FiveYearPct: rate(fiveYear)}
}

// lpr2022 is the real history of 2022.
func lpr2022() product.ReferenceRates {
	return referenceRates(
		published("2022-08-22", "3.65", "4.30"),
		published("2022-01-20", "3.70", "4.60"),
		published("2022-05-20", "3.70", "4.45"),
	)
}

// fieldCodes lists pointer and code of every field problem.
func fieldCodes(err error) []string {
	var codes []string
	var e *domain.Error
	if asDomainError(err, &e) {
		for _, f := range e.Fields {
			codes = append(codes, f.Pointer+" "+f.Code)
		}
	}
	return codes
}
