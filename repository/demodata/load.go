package demodata

import (
	"context"
	"io"
	"slices"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// The service accounts of the demo: the mobile app's backend, and the core system that reports repayments.
const (
	MobileAppClientID  = "mobile-app"
	CoreSystemClientID = "core-system"
)

// Load brings the shipped catalogue and the demo organisation into a lender's database, through the use cases. What is there
// already stays as it is.
type Load struct {
	Store  origination.Store
	Now    domain.Clock
	NewID  func() domain.ID
	Random io.Reader
	By     domain.Actor
}

// All loads everything but the rule sets, in the order in which one part needs another. password is that of every login and
// service account.
func (l Load) All(ctx context.Context, password string) error {
	if err := l.catalogue(ctx); err != nil {
		return err
	}
	if err := l.calendar(ctx); err != nil {
		return err
	}
	limits, err := LenderLimits()
	if err != nil {
		return err
	}
	if err := origination.NewLimits(l.Store, l.Now, l.NewID).Load(ctx, l.By, limits); err != nil {
		return err
	}
	companies, err := l.guaranteeCompanies(ctx)
	if err != nil {
		return err
	}
	if err := l.organisation(ctx, companies, password); err != nil {
		return err
	}
	authorities, err := Authorities()
	if err != nil {
		return err
	}
	return origination.NewAuthorities(l.Store, l.Now, l.NewID).Load(ctx, l.By, authorities)
}

func (l Load) catalogue(ctx context.Context) error {
	products, versions, rates, err := Catalogue()
	if err != nil {
		return err
	}
	return origination.NewCatalogue(l.Store, l.Now, l.NewID).Load(ctx, l.By, origination.LoadCatalogue{
		Products: products, Versions: versions, ReferenceRates: rates,
	})
}

// calendar loads the working calendar. A year that is there already stays as it is.
func (l Load) calendar(ctx context.Context) error {
	years, err := CalendarYears()
	if err != nil {
		return err
	}
	quotes := origination.NewQuotes(l.Store, l.Now)
	loaded, err := quotes.CalendarYears(ctx)
	if err != nil {
		return err
	}
	for _, y := range years {
		if slices.ContainsFunc(loaded, func(l origination.CalendarYear) bool { return l.Year == y.Year }) {
			continue
		}
		if _, err := quotes.SetCalendarYear(ctx, l.By, y, nil); err != nil {
			return err
		}
	}
	return nil
}

// guaranteeCompanies loads the sample guarantee companies and returns their ids by code.
func (l Load) guaranteeCompanies(ctx context.Context) (map[string]domain.ID, error) {
	companies, err := GuaranteeCompanies()
	if err != nil {
		return nil, err
	}
	drafts := make([]origination.DraftGuaranteeCompany, len(companies))
	for i, c := range companies {
		drafts[i] = origination.DraftGuaranteeCompany(c)
	}
	guarantees := origination.NewGuarantees(l.Store, l.Now, l.NewID)
	if err := guarantees.LoadCompanies(ctx, l.By, drafts); err != nil {
		return nil, err
	}
	there, err := guarantees.Companies(ctx, l.By)
	if err != nil {
		return nil, err
	}
	ids := map[string]domain.ID{}
	for _, c := range there {
		ids[c.Code] = c.ID
	}
	return ids, nil
}

func (l Load) organisation(ctx context.Context, companies map[string]domain.ID, password string) error {
	branches, err := Branches()
	if err != nil {
		return err
	}
	members, err := StaffMembers()
	if err != nil {
		return err
	}
	organisation := origination.Organisation{ServiceAccounts: []origination.OrganisationServiceAccount{
		{ClientID: MobileAppClientID, Kind: staff.KindBorrowerChannel, Name: "手机银行（演示）", Secret: staff.NewSecret(password)},
		{ClientID: CoreSystemClientID, Kind: staff.KindCoreSystem, Name: "核心系统（演示）", Secret: staff.NewSecret(password)},
	}}
	for _, b := range branches {
		organisation.Branches = append(organisation.Branches, origination.OrganisationBranch{
			ID: b.ID, Code: b.Code, Name: b.Name, Level: staff.Level(b.Level), ParentCode: b.ParentCode,
		})
	}
	for _, m := range members {
		organisation.Users = append(organisation.Users, origination.OrganisationUser{
			ID: m.ID, Username: m.Username, DisplayName: m.Name, Role: m.Role, BranchCode: m.BranchCode, Password: staff.NewSecret(password),
			GuaranteeCompanyID: companies[m.GuaranteeCompanyCode],
		})
	}
	return origination.NewStaff(l.Store, l.Now, l.NewID, l.Random).LoadOrganisation(ctx, l.By, organisation)
}
