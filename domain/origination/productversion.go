package origination

import (
	"context"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/product"
)

// This file is the life of the catalogue: products are created, versions drafted, validated and activated by administrators
// (产品管理), each step with its line in the history and in one transaction with it.

// CreateProduct starts a product (新建产品). It has no version yet, so nobody can apply for it. replayed says that this key
// had created it before.
func (s *Catalogue) CreateProduct(ctx context.Context, by domain.Actor, key Idempotency, p product.Product) (created product.Product, replayed bool, err error) {
	if err := by.Require(domain.RoleAdmin); err != nil {
		return product.Product{}, false, err
	}
	if err := p.Validate(); err != nil {
		return product.Product{}, false, err
	}
	now, claim := s.now(), s.newID() // a product is named by its code: the same key with the same body names the same one
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, claim, now)
		if err != nil {
			return err
		}
		there, err := tx.Product(ctx, p.Code)
		switch {
		case err == nil && !prior.IsZero():
			created, replayed = there, true
			return nil
		case err == nil:
			return errProductExists(p.Code)
		case domain.CodeOf(err) != "product-not-found":
			return err
		}
		// The event goes first: of two creations of one code its key lets one through, before anything is overwritten.
		err = tx.InsertProductEvent(ctx, productEvent(by, now, p, product.ActionCreate))
		if domain.CodeOf(err) == "stale-version" {
			return errProductExists(p.Code)
		}
		if err != nil {
			return err
		}
		if err := tx.PutProduct(ctx, p); err != nil {
			return err
		}
		created, replayed = p, false
		return nil
	})
	return created, replayed, err
}

func errProductExists(code string) error {
	return domain.Errorf(domain.KindConflict, "product-exists", "产品代码 %s 已有产品使用，请换一个代码，或为已有产品起草新版本", code)
}

// Draft starts a version of a product (起草版本), written in full or, with content.BaseID, as "like that one, but …": then
// only the terms in content.Overridden are content's own. A draft may still contradict itself; Check says where.
func (s *Catalogue) Draft(ctx context.Context, by domain.Actor, key Idempotency, code string, content product.Version) (drafted product.Version, replayed bool, err error) {
	if err := by.Require(domain.RoleAdmin); err != nil {
		return product.Version{}, false, err
	}
	if err := checkDraft(content); err != nil {
		return product.Version{}, false, err
	}
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			drafted, err = tx.ProductVersion(ctx, prior)
			replayed = true
			return err
		}
		if _, err := tx.LockProduct(ctx, code); err != nil {
			return err
		}
		others, err := tx.AllProductVersions(ctx, code)
		if err != nil {
			return err
		}
		if len(others) >= product.VersionsMax {
			return domain.Errorf(domain.KindRule, "file-full", "该产品的版本已达 %d 个，请联系系统管理员", product.VersionsMax)
		}
		v, err := complete(ctx, tx, code, content)
		if err != nil {
			return err
		}
		v.ID, v.ProductCode, v.Status, v.Revision = id, code, product.StatusDraft, 1
		v.MadeBy, v.MadeAt = by.ID, now
		if _, err := tx.InsertProductVersion(ctx, v); err != nil {
			return err
		}
		if err := tx.InsertProductEvent(ctx, versionEvent(by, now, v, product.ActionDraft)); err != nil {
			return err
		}
		drafted, replayed = v, false
		return nil
	})
	return drafted, replayed, err
}

// checkDraft wants what a draft cannot be stored without. Everything else is Check's to say.
func checkDraft(content product.Version) error {
	var p domain.Problems
	if !product.ValidRegionPrefix(content.RegionPrefix) {
		p.Add("/region_prefix", "invalid-region", "应为 2、4、6、9 或 12 位行政区划代码")
	}
	if content.EffectiveFrom.IsZero() {
		p.Add("/effective_from", "required", "请填写生效日期")
	}
	return p.Err()
}

// complete copies in what a version that is written like another one does not say itself. The base must be in use: what is
// still a draft may change under its copy.
func complete(ctx context.Context, r Reader, code string, content product.Version) (product.Version, error) {
	if content.BaseID.IsZero() {
		return content, nil
	}
	base, err := r.ProductVersion(ctx, content.BaseID)
	if err != nil {
		return product.Version{}, notFoundAt("/base_id", err)
	}
	var p domain.Problems
	if base.ProductCode != code {
		p.Add("/base_id", "wrong-product", "基准版本属于产品 %s，不是 %s", base.ProductCode, code)
	}
	if base.Status != product.StatusActive {
		p.Add("/base_id", "base-not-active", "基准版本尚未生效，内容还会变，请选一个已生效的版本")
	}
	if err := p.Err(); err != nil {
		return product.Version{}, err
	}
	return product.Materialise(content, base), nil
}

// EditVersion replaces the content of a draft, if it still has the revision its maker saw.
type EditVersion struct {
	ID       domain.ID
	Revision int
	Content  product.Version // as in Draft
}

// EditDraft changes a version that is not in use; only its maker may. A validated version becomes a draft again.
func (s *Catalogue) EditDraft(ctx context.Context, by domain.Actor, cmd EditVersion) (product.Version, error) {
	if err := checkDraft(cmd.Content); err != nil {
		return product.Version{}, err
	}
	return s.changeVersion(ctx, by, cmd.ID, func(tx Tx, c versionChange) error {
		content, err := complete(ctx, tx, c.version.ProductCode, cmd.Content)
		if err != nil {
			return err
		}
		edited, err := c.version.Edit(by.ID, c.at, content)
		if err != nil {
			return err
		}
		if err := sameRevision(c.version, cmd.Revision); err != nil {
			return err
		}
		return c.save(ctx, tx, edited, product.ActionEdit)
	})
}

// sameRevision refuses a change that is based on something its author has not seen.
func sameRevision(v product.Version, seen int) error {
	if v.Revision != seen {
		return domain.Errorf(domain.KindConflict, "precondition-failed",
			"版本已被修改（当前修订号 %d，您看到的是 %d），请重新读取、核对后再办理", v.Revision, seen)
	}
	return nil
}

// Check validates a draft (校验) and marks it as ready for the second person; the error names every contradiction at once.
// A version that is validated already stays as it is.
func (s *Catalogue) Check(ctx context.Context, by domain.Actor, id domain.ID) (product.Version, error) {
	return s.changeVersion(ctx, by, id, func(tx Tx, c versionChange) error {
		checked, err := c.version.Check(c.product, c.others, domain.DateOf(c.at))
		if err != nil || c.version.Status == product.StatusValidated {
			return err
		}
		return c.save(ctx, tx, checked, product.ActionValidate)
	})
}

// ActivateVersion puts a version into use from a day on, if it still is what the second person looked at. Without the
// revision its maker could change it, and validate it again, between the look and the signature.
type ActivateVersion struct {
	ID            domain.ID
	Revision      int
	EffectiveFrom domain.Date
}

// Activate puts a validated version into use (启用). A second administrator does it; the version before it ends on that
// day, in the same transaction and with the product's versions locked, so that of two activations for one region and day
// one is refused.
func (s *Catalogue) Activate(ctx context.Context, by domain.Actor, cmd ActivateVersion) (product.Version, error) {
	return s.changeVersion(ctx, by, cmd.ID, func(tx Tx, c versionChange) error {
		dated := c.version
		if dated.Status != product.StatusActive {
			dated.EffectiveFrom = cmd.EffectiveFrom
		}
		activation, err := dated.Activate(by.ID, c.at, c.product, c.others)
		if err != nil {
			return err
		}
		if err := sameRevision(c.version, cmd.Revision); err != nil {
			return err
		}
		if activation.Closed != nil {
			closed := versionChange{by: by, at: c.at, version: *activation.Closed}
			note := product.Note{Name: "replaced_by", Value: cmd.ID.String()}
			if err := closed.save(ctx, tx, *activation.Closed, product.ActionClose, note); err != nil {
				return err
			}
		}
		return c.save(ctx, tx, activation.Activated, product.ActionActivate)
	})
}

// versionChange is what a change of a version looks at.
type versionChange struct {
	by      domain.Actor
	at      time.Time
	product product.Product
	version product.Version
	others  []product.Version
}

// save stores the next state of the version with its event.
func (c versionChange) save(ctx context.Context, tx Tx, next product.Version, action product.Action, notes ...product.Note) error {
	next.Revision = c.version.Revision + 1
	return tx.SaveProductVersion(ctx, next, versionEvent(c.by, c.at, next, action, notes...))
}

// changeVersion is the shape of every step of a version's life: lock its product, look at it and its neighbours, do.
func (s *Catalogue) changeVersion(ctx context.Context, by domain.Actor, id domain.ID, do func(Tx, versionChange) error) (product.Version, error) {
	if err := by.Require(domain.RoleAdmin); err != nil {
		return product.Version{}, err
	}
	now := s.now()
	var changed product.Version
	err := s.store.Update(ctx, func(tx Tx) error {
		before, err := tx.ProductVersion(ctx, id)
		if err != nil {
			return err
		}
		c := versionChange{by: by, at: now}
		if c.product, err = tx.LockProduct(ctx, before.ProductCode); err != nil {
			return err
		}
		if c.others, err = tx.AllProductVersions(ctx, before.ProductCode); err != nil {
			return err
		}
		if c.version, err = tx.ProductVersion(ctx, id); err != nil { // again: what was read before the lock may be old
			return err
		}
		if err := do(tx, c); err != nil {
			return err
		}
		after, err := tx.ProductVersion(ctx, id)
		if err != nil {
			return err
		}
		changed = after
		return nil
	})
	return changed, err
}

// Version returns one version. What is not in use yet is shown to those who make and check it, and to nobody else.
func (s *Catalogue) Version(ctx context.Context, by domain.Actor, id domain.ID) (product.Version, error) {
	v, err := s.store.ProductVersion(ctx, id)
	if err != nil {
		return product.Version{}, err
	}
	if v.Status != product.StatusActive && !seesDrafts(by) {
		return product.Version{}, domain.Errorf(domain.KindNotFound, "product-version-not-found", "没有这个产品版本")
	}
	return v, nil
}

func seesDrafts(by domain.Actor) bool {
	return by.Require(domain.RoleAdmin, domain.RoleAuditor, domain.RoleSystem) == nil
}

// Versions lists a page of a product's versions, newest first; drafts as in Version.
func (s *Catalogue) Versions(ctx context.Context, by domain.Actor, code string, page domain.Page) ([]product.Version, error) {
	if _, err := s.store.Product(ctx, code); err != nil {
		return nil, err
	}
	return s.store.ProductVersionPage(ctx, code, ProductVersionFilter{OnlyActive: !seesDrafts(by)}, page)
}

// VersionDiff is what changes when a version takes the place of another.
type VersionDiff struct {
	Version     product.Version
	ReplacesID  domain.ID // zero: the product is new there, and every term is new
	Differences []product.Difference
}

// Diff shows what a version changes, readable by the person who activates it. For a version in use it is what it changed:
// against the one that held in its region on the day before.
func (s *Catalogue) Diff(ctx context.Context, by domain.Actor, id domain.ID) (VersionDiff, error) {
	v, err := s.Version(ctx, by, id)
	if err != nil {
		return VersionDiff{}, err
	}
	others, err := s.store.AllProductVersions(ctx, v.ProductCode)
	if err != nil {
		return VersionDiff{}, err
	}
	lookedAt := v
	if v.Status == product.StatusActive {
		lookedAt.EffectiveFrom = v.EffectiveFrom.AddDays(-1)
	}
	replaced, found := lookedAt.Replaced(others)
	if found {
		return VersionDiff{Version: v, ReplacesID: replaced.ID, Differences: product.Diff(replaced, v)}, nil
	}
	diff := VersionDiff{Version: v}
	for _, row := range v.Rows() {
		diff.Differences = append(diff.Differences, product.Difference{Name: row.Name, Label: row.Label, New: row.Text, Source: row.Source})
	}
	return diff, nil
}

// History returns the latest part of a product's history, newest first.
func (s *Catalogue) History(ctx context.Context, by domain.Actor, code string) ([]product.Event, error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleAuditor); err != nil {
		return nil, err
	}
	if _, err := s.store.Product(ctx, code); err != nil {
		return nil, err
	}
	return s.store.ProductEvents(ctx, code)
}

// PublishReferenceRate records a publication of the loan prime rate (录入 LPR). A day that is there already is refused: it
// would be a correction.
func (s *Catalogue) PublishReferenceRate(ctx context.Context, by domain.Actor, key Idempotency, row product.ReferenceRate) (product.ReferenceRate, bool, error) {
	return s.recordRate(ctx, by, key, row, product.ActionPublish, func(rates product.ReferenceRates, row product.ReferenceRate) (product.ReferenceRate, error) {
		_, err := rates.Publish(row)
		return row, err
	})
}

// CorrectReferenceRate records that what we had written down for a day was wrong (更正 LPR): a further row with a reason. What
// was judged by the old row still says so.
func (s *Catalogue) CorrectReferenceRate(ctx context.Context, by domain.Actor, key Idempotency, row product.ReferenceRate) (product.ReferenceRate, bool, error) {
	return s.recordRate(ctx, by, key, row, product.ActionCorrect, func(rates product.ReferenceRates, row product.ReferenceRate) (product.ReferenceRate, error) {
		_, corrected, err := rates.Correct(row)
		return corrected, err
	})
}

func (s *Catalogue) recordRate(ctx context.Context, by domain.Actor, key Idempotency, row product.ReferenceRate, action product.Action,
	place func(product.ReferenceRates, product.ReferenceRate) (product.ReferenceRate, error),
) (recorded product.ReferenceRate, replayed bool, err error) {
	if err := by.Require(domain.RoleAdmin); err != nil {
		return product.ReferenceRate{}, false, err
	}
	now, id := s.now(), s.newID()
	if today := domain.DateOf(now); row.PublishedOn.After(today) {
		var p domain.Problems
		p.Add("/published_on", "in-the-future", "公布日期 %s 晚于今天 %s，请在公布后再录入", row.PublishedOn, today)
		return product.ReferenceRate{}, false, p.Err()
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		rates, err := tx.ReferenceRates(ctx)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			recorded, err = rateByID(rates, prior)
			replayed = true
			return err
		}
		next := row
		next.ID = id
		if next, err = place(rates, next); err != nil {
			return err
		}
		inserted, err := tx.InsertReferenceRate(ctx, next)
		if err := noteIf(ctx, tx, inserted, err, rateEvent(by, now, next, action)); err != nil {
			return err
		}
		recorded, replayed = next, false
		return nil
	})
	return recorded, replayed, err
}

func rateByID(rates product.ReferenceRates, id domain.ID) (product.ReferenceRate, error) {
	for _, row := range rates.Rows() { // at most product.ReferenceRatesMax
		if row.ID == id {
			return row, nil
		}
	}
	return product.ReferenceRate{}, domain.Errorf(domain.KindNotFound, "reference-rate-not-found", "没有这一行 LPR")
}

func productEvent(by domain.Actor, at time.Time, p product.Product, action product.Action) product.Event {
	return product.Event{
		Subject: product.SubjectProduct, SubjectID: p.Code, Revision: 1, ProductCode: p.Code, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: []product.Note{{Name: "name", Value: p.Name}},
	}
}

func versionEvent(by domain.Actor, at time.Time, v product.Version, action product.Action, notes ...product.Note) product.Event {
	detail := []product.Note{
		{Name: "status", Value: string(v.Status)}, {Name: "region_prefix", Value: v.RegionPrefix}, {Name: "effective_from", Value: v.EffectiveFrom.String()},
	}
	if !v.EffectiveTo.IsZero() {
		detail = append(detail, product.Note{Name: "effective_to", Value: v.EffectiveTo.String()})
	}
	return product.Event{
		Subject: product.SubjectVersion, SubjectID: v.ID.String(), Revision: v.Revision, ProductCode: v.ProductCode, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: append(detail, notes...),
	}
}

func rateEvent(by domain.Actor, at time.Time, r product.ReferenceRate, action product.Action) product.Event {
	detail := []product.Note{
		{Name: "published_on", Value: r.PublishedOn.String()},
		{Name: "correction", Value: strconv.Itoa(r.Revision)},
		{Name: "one_year_pct", Value: r.OneYearPct.String()},
		{Name: "five_year_pct", Value: r.FiveYearPct.String()},
	}
	if r.Reason != "" {
		detail = append(detail, product.Note{Name: "reason", Value: r.Reason})
	}
	return product.Event{
		Subject: product.SubjectReferenceRate, SubjectID: r.ID.String(), Revision: r.Revision, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: detail,
	}
}
