package repository_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/domain/schedule"
	"fumin/repository/storetest"
)

// ledgerProduct is a product with every list filled.
func ledgerProduct(code string) product.Product {
	return product.Product{
		Code: code, Name: "齐鲁富民贷", BorrowerKinds: product.BorrowerKinds(), ExposureUnit: product.ExposureHousehold, Revolving: true,
		Channels: []product.Channel{product.ChannelTablet, product.ChannelMobile, product.ChannelCounter, product.ChannelPhoneAssisted},
		Partners: []product.Partner{product.PartnerGuaranteeCompany, product.PartnerRuralRevitalisationBureau},
	}
}

// ledgerVersion is a version with every term set, each to a value of its own.
func ledgerVersion(id domain.ID, code, region, from string) product.Version {
	sources := make(map[product.TermName]product.Source)
	for i, name := range product.TermNames() {
		sources[name] = product.Source{Document: "文件 " + string(name), Sample: i%2 == 0}
	}
	return product.Version{
		ID: id, ProductCode: code, RegionPrefix: region, EffectiveFrom: domain.MustParseDate(from), EffectiveTo: domain.MustParseDate("2199-12-31"),
		Status: product.StatusActive, MadeBy: ledgerOfficer, MadeAt: ledgerStart, ActivatedBy: ledgerApprover, ActivatedAt: ledgerStart.Add(time.Microsecond),
		Revision: 3, BaseID: "01900000-0000-7000-8000-0000000000d9", Overridden: product.TermNames(),
		Source: product.Source{Document: "产品说明 𠮷䶮😀", Sample: true}, Sources: sources,
		Terms: product.Terms{
			AmountMin: money.MustParseAmount("0.01"), AmountMax: money.MustParseAmount("9999999999999999.99"),
			TermMonthsMin: 1, TermMonthsMax: product.TermMonthsCap, AgeMin: 18, AgePlusTermMax: 65,
			Price: product.Price{
				Base: product.BaseLPR5Y, SpreadBPMax: -product.SpreadBPCap, AnnualRateMaxPct: money.MustParseRate("999.999999"),
				Reliefs: []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 50}},
			},
			RepaymentMethods: []schedule.Method{schedule.Seasonal, schedule.EqualInstalment},
			Guarantee: []product.GuaranteeTier{
				{Below: money.MustParseAmount("100000.00"), Kind: product.GuaranteeCredit},
				{
					From: money.MustParseAmount("100000.00"), Kind: product.GuaranteeCompany, FeeMaxPct: money.MustParseRate("0.75"),
					FeeMaxGrainPct: money.MustParseRate("0.000001"), CounterSpouseUpTo: money.MustParseAmount("200000.01"),
				},
			},
			Documents: []product.Document{
				{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentIDCard, Key: true, Expires: true, Sample: true},
				{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentPurposeEvidence, DeferDaysMax: 30, Blocks: product.BlocksNextDraw},
			},
			ForbiddenPurposes: product.ForbiddablePurposes(), QuickApprovalMax: money.MustParseAmount("9007199254740993.01"),
			EntrustedPayment:     []product.EntrustedPaymentAmount{{PurposeKind: product.PurposeKindProduction, Above: money.MustParseAmount("500000.00")}},
			BusinessAgeMonthsMin: 24, InterestSubsidySharePct: money.MustParseRate("50"), SiteVisitRequired: true,
		},
	}
}

func TestAProductComesBackAsItWasPut(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	first := ledgerProduct("QLFMD")
	long := ledgerProduct(strings.Repeat("X", product.CodeLengthMax))
	long.Name, long.Sample, long.Revolving = strings.Repeat("𠮷", product.NameLengthMax), true, false
	long.ExposureUnit, long.Partners = product.ExposureBorrower, nil
	put := func(p product.Product) {
		t.Helper()
		l.update(func(tx origination.Tx) error { return tx.PutProduct(t.Context(), p) })
		got, err := l.store.Product(t.Context(), p.Code)
		if diff := cmp.Diff(p, got); err != nil || diff != "" {
			t.Errorf("%s: %v, put and read differ (-put +read):\n%s", p.Code, err, diff)
		}
	}
	put(first)
	put(long)
	changed := long
	changed.Code, changed.Partners = first.Code, first.Partners
	put(changed) // a second put replaces everything
	all, err := l.store.Products(t.Context())
	if diff := cmp.Diff([]product.Product{changed, long}, all); err != nil || diff != "" {
		t.Errorf("all products: %v (-want +read):\n%s", err, diff)
	}
	_, err = l.store.Product(t.Context(), "NONE")
	wantCode(t, "an unknown product", err, domain.KindNotFound, "product-not-found")
	_, err = l.store.Product(t.Context(), "qlfmd")
	wantCode(t, "a product in small letters", err, domain.KindNotFound, "product-not-found")
}

func TestAProductVersionComesBackAsItWasInserted(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	l.update(func(tx origination.Tx) error { return tx.PutProduct(t.Context(), ledgerProduct("QLFMD")) })
	for i, c := range []struct {
		name   string
		change func(*product.Version)
	}{
		{"everything set", func(*product.Version) {}},
		{"written in full, open end, inactive", func(v *product.Version) {
			v.BaseID, v.Overridden, v.Sources, v.EffectiveTo = "", nil, nil, domain.Date{}
			v.Status, v.ActivatedBy, v.ActivatedAt, v.Revision = product.StatusDraft, "", time.Time{}, 0
		}},
		{"validated", func(v *product.Version) {
			v.Status, v.ActivatedBy, v.ActivatedAt = product.StatusValidated, "", time.Time{}
		}},
		{"a fixed price", func(v *product.Version) {
			v.Price = product.Price{Base: product.BaseFixed, FixedPct: money.MustParseRate("4.350001")}
		}},
		{"as little as possible", func(v *product.Version) {
			v.Terms = product.Terms{
				AmountMin: money.Fen(1), AmountMax: money.Fen(1), TermMonthsMin: 1, TermMonthsMax: 1,
				Price: product.Price{Base: product.BaseLPR1Y}, RepaymentMethods: []schedule.Method{schedule.LumpSum},
				Guarantee: []product.GuaranteeTier{{Kind: product.GuaranteeCredit}},
			}
		}},
		{"the longest source", func(v *product.Version) { v.Source.Document = strings.Repeat("😀", product.TextLengthMax) }},
	} {
		want := ledgerVersion(l.newID(), "QLFMD", strconv.Itoa(3701+i), "1900-01-01") // one active version a prefix and day
		c.change(&want)
		insert := func() (inserted bool) {
			l.update(func(tx origination.Tx) (err error) {
				inserted, err = tx.InsertProductVersion(t.Context(), want)
				return err
			})
			return inserted
		}
		if !insert() {
			t.Errorf("%s: not inserted", c.name)
		}
		got, err := l.store.ProductVersion(t.Context(), want.ID)
		if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, inserted and read differ (-inserted +read):\n%s", c.name, err, diff)
		}
		before := want
		want.Revision++
		if insert() {
			t.Errorf("%s: inserted twice", c.name)
		}
		if got, err = l.store.ProductVersion(t.Context(), want.ID); err != nil || got.Revision != before.Revision {
			t.Errorf("%s: after a second insert revision %d (%v), want what was there, %d", c.name, got.Revision, err, before.Revision)
		}
	}
	_, err := l.store.ProductVersion(t.Context(), "01900000-0000-7000-8000-000000000fff")
	wantCode(t, "an unknown version", err, domain.KindNotFound, "product-version-not-found")
}

func TestTheVersionsOfARegionAreThoseOfItsPrefixes(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	ids := map[string]domain.ID{}
	l.update(func(tx origination.Tx) error {
		for _, code := range []string{"QLFMD", "OTHER"} {
			if err := tx.PutProduct(t.Context(), ledgerProduct(code)); err != nil {
				return err
			}
			for _, region := range []string{"37", "3715", "371503", "371503901", "371503901201", "3706", "36", "371503901202"} {
				v := ledgerVersion(l.newID(), code, region, "2022-02-01")
				ids[code+region] = v.ID
				if _, err := tx.InsertProductVersion(t.Context(), v); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, c := range []struct {
		region string
		want   []string
	}{
		{"371503901201", []string{"37", "3715", "371503", "371503901", "371503901201"}},
		{"371503901", []string{"37", "3715", "371503", "371503901"}},
		{"3706", []string{"37", "3706"}},
		{"37", []string{"37"}},
		{"3", nil},
		{"", nil},
		{"99", nil},
	} {
		versions, err := l.store.ProductVersions(t.Context(), "QLFMD", c.region)
		l.must(err)
		var got, want []domain.ID
		for _, v := range versions {
			got = append(got, v.ID)
		}
		for _, prefix := range c.want {
			want = append(want, ids["QLFMD"+prefix])
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("versions for %q (-want +got):\n%s", c.region, diff)
		}
	}
}

func TestReferenceRatesComeBackInOrder(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	rate := func(on string, revision int, oneYear, reason string) product.ReferenceRate {
		return product.ReferenceRate{
			ID: l.newID(), PublishedOn: domain.MustParseDate(on), Revision: revision, OneYearPct: money.MustParseRate(oneYear),
			FiveYearPct: money.MustParseRate("999.999999"), Reason: reason, Source: strings.Repeat("𠮷", product.TextLengthMax),
		}
	}
	second, first := rate("2199-12-31", 0, "0.000001", ""), rate("1900-01-01", 0, "3.45", "")
	corrected := rate("1900-01-01", 1, "3.5", strings.Repeat("😀", product.TextLengthMax))
	insert := func(r product.ReferenceRate) (inserted bool, err error) {
		err = l.store.Update(t.Context(), func(tx origination.Tx) (err error) {
			inserted, err = tx.InsertReferenceRate(t.Context(), r)
			return err
		})
		return inserted, err
	}
	for _, r := range []product.ReferenceRate{second, corrected, first} {
		if inserted, err := insert(r); !inserted || err != nil {
			t.Errorf("%s revision %d: inserted %t, %v", r.PublishedOn, r.Revision, inserted, err)
		}
	}
	if inserted, err := insert(first); inserted || err != nil {
		t.Errorf("the same row twice: inserted %t, %v; want neither", inserted, err)
	}
	// Another row for the same day and revision is a contradiction, not a repetition.
	if inserted, err := insert(rate("1900-01-01", 1, "3.6", "改")); inserted || err == nil {
		t.Errorf("another row for the same day and revision: inserted %t, %v; want an error", inserted, err)
	}
	got, err := l.store.ReferenceRates(t.Context())
	if diff := cmp.Diff([]product.ReferenceRate{first, corrected, second}, got.Rows(), asStored); err != nil || diff != "" {
		t.Errorf("rates: %v (-want +read):\n%s", err, diff)
	}
}

func TestACatalogueThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t}
	l.store, l.dsn = storetest.NewWithDSN(t)
	l.rows = openRows(t, l.dsn)
	l.exec("ALTER TABLE product_versions DROP CONSTRAINT ck_product_versions_status")
	for _, c := range []struct{ name, table, set string }{
		{"a product without a name", "products", "name = ''"},
		{"a product of an unknown unit", "products", "exposure_unit = 'village'"},
		{"a product of unknown borrowers", "products", `document = REPLACE(document, 'farmer', 'farmhand')`},
		{"a product without lists", "products", "document = '{}'"},
		{"a product with lists of another shape", "products", "document = '[]'"},
		{"a version of unknown status", "product_versions", "status = 'retired'"},
		{"a version of no region", "product_versions", "region_prefix = '3'"},
		{"a version without terms", "product_versions", "document = '{}'"},
		{"an amount with a third decimal", "product_versions", `document = REPLACE(document, '500000.00', '500000.001')`},
		{"an amount as a number", "product_versions", `document = REPLACE(document, '"500000.00"', '500000.00')`},
		{"a version that ends before it begins", "product_versions", "effective_to = '1900-01-01'"},
	} {
		l.exec("DELETE FROM product_versions")
		l.exec("DELETE FROM products")
		v := ledgerVersion(l.newID(), "QLFMD", "37", "2022-02-01")
		l.update(func(tx origination.Tx) error {
			if err := tx.PutProduct(t.Context(), ledgerProduct("QLFMD")); err != nil {
				return err
			}
			_, err := tx.InsertProductVersion(t.Context(), v)
			return err
		})
		l.exec("UPDATE " + c.table + " SET " + c.set)
		var errs []error
		if c.table == "products" {
			_, errOne := l.store.Product(t.Context(), "QLFMD")
			_, errAll := l.store.Products(t.Context())
			errs = []error{errOne, errAll}
		} else {
			_, errOne := l.store.ProductVersion(t.Context(), v.ID)
			_, errAll := l.store.ProductVersions(t.Context(), "QLFMD", v.RegionPrefix)
			errs = []error{errOne, errAll}
			if c.name == "a version of no region" {
				errs = errs[:1] // it belongs to no region, so no region lists it
			}
		}
		for _, err := range errs {
			if err == nil || strings.HasSuffix(domain.CodeOf(err), "-not-found") {
				t.Errorf("%s: read %v, want an error", c.name, err)
			}
		}
	}
	// A history with a correction and without what it corrects.
	l.exec("INSERT INTO reference_rates VALUES ('01900000-0000-7000-8000-0000000000aa', '2026-11-20', 1, 3.45, 3.95, '更正', 'x')")
	if got, err := l.store.ReferenceRates(t.Context()); err == nil {
		t.Errorf("a correction of nothing: read %v, want an error", got.Rows())
	}
}
