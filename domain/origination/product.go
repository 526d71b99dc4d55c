package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// ProductReader reads the catalogue and the reference rates. They are the lender's, not a branch's, so there is no scope.
type ProductReader interface {
	// Product returns one product, or "product-not-found".
	Product(ctx context.Context, code string) (product.Product, error)
	// Products lists all products.
	Products(ctx context.Context) ([]product.Product, error)
	// ProductVersions lists the versions of a product for a region code, of any date: those whose prefix it begins with.
	ProductVersions(ctx context.Context, code, region string) ([]product.Version, error)
	// ProductVersion returns one version by id, or "product-version-not-found".
	ProductVersion(ctx context.Context, id domain.ID) (product.Version, error)
	// AllProductVersions lists every version of a product, of any region, date and status, at most product.VersionsMax.
	AllProductVersions(ctx context.Context, code string) ([]product.Version, error)
	// ProductVersionPage lists a page of a product's versions, newest first.
	ProductVersionPage(ctx context.Context, code string, filter ProductVersionFilter, page domain.Page) ([]product.Version, error)
	// ReferenceRates returns the history of the loan prime rate.
	ReferenceRates(ctx context.Context) (product.ReferenceRates, error)
	// ProductEvents returns the latest part of a product's history, newest first, at most product.EventsMax.
	ProductEvents(ctx context.Context, code string) ([]product.Event, error)
}

// ProductVersionFilter narrows a list of versions.
type ProductVersionFilter struct{ OnlyActive bool }

// ProductWriter writes the catalogue.
type ProductWriter interface {
	// PutProduct inserts a product or replaces the one with its code.
	PutProduct(ctx context.Context, p product.Product) error
	// InsertProductVersion inserts a version; false when a version with its id is there already.
	InsertProductVersion(ctx context.Context, v product.Version) (inserted bool, err error)
	// InsertReferenceRate inserts a publication; false when a row with its id is there already. Another row for its day and
	// revision is "stale-version": somebody recorded that day a moment earlier.
	InsertReferenceRate(ctx context.Context, r product.ReferenceRate) (inserted bool, err error)
	// LockProduct returns a product, or "product-not-found", and keeps every other change of its versions waiting until this
	// transaction ends: who changes a version locks its product first.
	LockProduct(ctx context.Context, code string) (product.Product, error)
	// SaveProductVersion stores a version that is there already and refuses with "stale-version" when the stored revision is
	// not the one before v's, and with "version-conflict" when another active version of the prefix begins on its day.
	SaveProductVersion(ctx context.Context, v product.Version, event product.Event) error
	// InsertProductEvent writes one line of the history; a second one for a subject's revision is "stale-version".
	InsertProductEvent(ctx context.Context, event product.Event) error
}

// Catalogue are the use cases of products and reference rates.
type Catalogue struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewCatalogue builds the use cases.
func NewCatalogue(store Store, now domain.Clock, newID func() domain.ID) *Catalogue {
	return &Catalogue{store: store, now: now, newID: newID}
}

// LoadCatalogue is a whole catalogue, as a lender's files or the shipped demo data say it.
type LoadCatalogue struct {
	Products       []product.Product
	Versions       []product.Version
	ReferenceRates product.ReferenceRates
}

// Load brings a catalogue in. What is there already stays as it is (products by code, versions by id, reference rates by
// day), so loading twice changes nothing; what contradicts itself is refused as a whole.
func (s *Catalogue) Load(ctx context.Context, by domain.Actor, cmd LoadCatalogue) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	now := s.now()
	if err := product.ValidateCatalogue(cmd.Products, cmd.Versions, domain.DateOf(now)); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		for _, p := range cmd.Products {
			if err := loadProduct(ctx, tx, p, productEvent(by, now, p, product.ActionLoad)); err != nil {
				return err
			}
		}
		for _, v := range cmd.Versions {
			inserted, err := tx.InsertProductVersion(ctx, v)
			if err := noteIf(ctx, tx, inserted, err, versionEvent(by, now, v, product.ActionLoad)); err != nil {
				return err
			}
		}
		there, err := tx.ReferenceRates(ctx)
		if err != nil {
			return err
		}
		for _, r := range cmd.ReferenceRates.Rows() {
			if there.Has(r.PublishedOn) {
				continue
			}
			inserted, err := tx.InsertReferenceRate(ctx, r)
			if err := noteIf(ctx, tx, inserted, err, rateEvent(by, now, r, product.ActionLoad)); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadProduct puts a product that is not there yet.
func loadProduct(ctx context.Context, tx Tx, p product.Product, event product.Event) error {
	_, err := tx.Product(ctx, p.Code)
	if domain.CodeOf(err) != "product-not-found" {
		return err
	}
	if err := tx.PutProduct(ctx, p); err != nil {
		return err
	}
	return tx.InsertProductEvent(ctx, event)
}

func noteIf(ctx context.Context, tx Tx, inserted bool, err error, event product.Event) error {
	if err != nil || !inserted {
		return err
	}
	return tx.InsertProductEvent(ctx, event)
}

// Offered answers "what can this borrower have here today": the products with the version that applies in the region on
// the day, and what they cost then. A zero day is today; an empty kind asks for all.
func (s *Catalogue) Offered(ctx context.Context, region borrower.RegionCode, on domain.Date, kind string) ([]PricedOffer, error) {
	if on.IsZero() {
		on = domain.DateOf(s.now())
	}
	products, err := s.store.Products(ctx)
	if err != nil {
		return nil, err
	}
	var versions []product.Version
	for _, p := range products {
		some, err := s.store.ProductVersions(ctx, p.Code, region.String())
		if err != nil {
			return nil, err
		}
		versions = append(versions, some...)
	}
	rates, err := s.store.ReferenceRates(ctx)
	if err != nil {
		return nil, err
	}
	var offers []PricedOffer
	for _, o := range product.Offered(products, versions, region.String(), on, kind) {
		offers = append(offers, priced(o, on, rates))
	}
	return offers, nil
}

// ReferenceRates returns the history of the loan prime rate.
func (s *Catalogue) ReferenceRates(ctx context.Context) (product.ReferenceRates, error) {
	return s.store.ReferenceRates(ctx)
}

// productVersion finds the version that holds in the region on the day.
func productVersion(ctx context.Context, r Reader, code, region string, on domain.Date) (product.Version, error) {
	versions, err := r.ProductVersions(ctx, code, region)
	if err != nil {
		return product.Version{}, err
	}
	return product.Resolve(versions, code, region, on)
}

// priceOn is the version an application was judged by, and its price on a day.
func priceOn(ctx context.Context, r Reader, rec loan.Record, on domain.Date) (product.Version, product.Ceiling, error) {
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return product.Version{}, product.Ceiling{}, err
	}
	rates, err := r.ReferenceRates(ctx)
	if err != nil {
		return product.Version{}, product.Ceiling{}, err
	}
	ceiling, err := version.Price.PriceOn(on, rates, rec.Request.ReliefIndustries()...)
	return version, ceiling, err
}
