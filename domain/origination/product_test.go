package origination_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/repository/demodata"
)

func shippedCatalogue(t *testing.T) origination.LoadCatalogue {
	t.Helper()
	products, versions, rates, err := demodata.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return origination.LoadCatalogue{Products: products, Versions: versions, ReferenceRates: rates}
}

func (w *world) admin() domain.Actor {
	return domain.Actor{ID: newID(), Name: "产品管理员", Role: domain.RoleAdmin}
}

func catalogueKey(name string) origination.Idempotency {
	return origination.Idempotency{Key: name, Fingerprint: name}
}

func TestLoadingACatalogueAgainKeepsWhatPeopleDidSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, maker, second := t.Context(), w.admin(), w.admin()
	load := shippedCatalogue(t)
	before, err := w.store.ProductEvents(ctx, "QLFMD")
	w.must(err)
	if len(before) != 3 { // the product and its two versions
		t.Fatalf("history after loading: %+v, want three lines", before)
	}

	base := load.Versions[0]
	v, _, err := w.catalogue.Draft(ctx, maker, catalogueKey("draft"), base.ProductCode, product.Version{
		RegionPrefix: base.RegionPrefix, EffectiveFrom: domain.MustParseDate("2026-12-01"), BaseID: base.ID, Source: product.Source{Document: "办法"},
	})
	w.must(err)
	v, err = w.catalogue.Check(ctx, maker, v.ID)
	w.must(err)
	v, err = w.catalogue.Activate(ctx, second, origination.ActivateVersion{ID: v.ID, Revision: v.Revision, EffectiveFrom: v.EffectiveFrom})
	w.must(err)
	row := load.ReferenceRates.Rows()[0]
	row.ID, row.Reason = "", "抄错"
	corrected, _, err := w.catalogue.CorrectReferenceRate(ctx, maker, catalogueKey("correct"), row)
	w.must(err)

	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	w.must(w.catalogue.Load(ctx, loader, load))

	closed, err := w.store.ProductVersion(ctx, base.ID)
	if err != nil || closed.EffectiveTo != v.EffectiveFrom {
		t.Errorf("the version that was closed ends on %s, %v; want %s still", closed.EffectiveTo, err, v.EffectiveFrom)
	}
	rates, err := w.store.ReferenceRates(ctx)
	w.must(err)
	if got, err := rates.On(row.PublishedOn); err != nil || got.ID != corrected.ID {
		t.Errorf("rate of %s: %+v, %v; want the correction", row.PublishedOn, got, err)
	}
	after, err := w.store.ProductEvents(ctx, "QLFMD")
	w.must(err)
	if want := len(before) + 4; len(after) != want { // draft, validate, activate, close
		t.Errorf("history after loading again has %d lines, want %d: %+v", len(after), want, after)
	}
}

func TestOnlyTheInstallerLoadsACatalogueAndAContradictionLoadsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	load := shippedCatalogue(t)
	wantCode(t, "an administrator loads", w.catalogue.Load(t.Context(), w.admin(), load), "role-not-allowed")

	broken := shippedCatalogue(t)
	broken.Products[0].Code = "QLFMD2"
	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	wantCode(t, "a broken catalogue", w.catalogue.Load(t.Context(), loader, broken), "invalid-fields")
	if _, err := w.store.Product(t.Context(), "QLFMD2"); domain.CodeOf(err) != "product-not-found" {
		t.Errorf("a product of the refused catalogue: %v, want none", err)
	}
}

func TestADaysPriceIsNeverGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, maker, second := t.Context(), w.admin(), w.admin()
	base := shippedCatalogue(t).Versions[0]
	// A version whose spread takes the price below zero is offered without a price, and has no sheet.
	v, _, err := w.catalogue.Draft(ctx, maker, catalogueKey("draft"), base.ProductCode, product.Version{
		RegionPrefix: "371503", EffectiveFrom: domain.MustParseDate("2026-12-01"), BaseID: base.ID, Source: product.Source{Document: "办法"},
		Overridden: []product.TermName{product.TermPrice}, Terms: product.Terms{Price: product.Price{Base: product.BaseLPR1Y, SpreadBPMax: -400}},
	})
	w.must(err)
	v, err = w.catalogue.Check(ctx, maker, v.ID)
	w.must(err)
	_, err = w.catalogue.Activate(ctx, second, origination.ActivateVersion{ID: v.ID, Revision: v.Revision, EffectiveFrom: v.EffectiveFrom})
	w.must(err)
	region, on := borrower.MustParseRegionCode("371503"), domain.MustParseDate("2026-12-01")
	offers, err := w.catalogue.Offered(ctx, region, on, "")
	w.must(err)
	for _, o := range offers {
		if (o.Product.Code == base.ProductCode) != (o.Price == nil) {
			t.Errorf("%s on %s: price %+v", o.Product.Code, on, o.Price)
		}
	}
	_, err = w.catalogue.Sheet(ctx, base.ProductCode, region, on)
	wantCode(t, "the sheet", err, "negative-price")
}
