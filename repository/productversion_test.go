package repository_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/repository/storetest"
)

// newCatalogueLedger is a database with one product and nothing else.
func newCatalogueLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{t: t}
	l.store, l.dsn = storetest.NewWithDSN(t)
	l.rows = openRows(t, l.dsn)
	l.update(func(tx origination.Tx) error { return tx.PutProduct(t.Context(), ledgerProduct("QLFMD")) })
	return l
}

func (l *ledger) addVersion(region, from string, status product.Status) product.Version {
	l.t.Helper()
	v := ledgerVersion(l.newID(), "QLFMD", region, from)
	v.Status = status
	if status != product.StatusActive {
		v.ActivatedBy, v.ActivatedAt = "", time.Time{}
	}
	l.update(func(tx origination.Tx) error {
		_, err := tx.InsertProductVersion(l.t.Context(), v)
		return err
	})
	return v
}

func catalogueEvent(v product.Version, action product.Action) product.Event {
	return product.Event{
		Subject: product.SubjectVersion, SubjectID: v.ID.String(), Revision: v.Revision, ProductCode: v.ProductCode, Action: action,
		ActorID: ledgerApprover, ActorName: "𠮷管理", ActorRole: domain.RoleAdmin, At: ledgerStart,
		Detail: []product.Note{{Name: "effective_from", Value: v.EffectiveFrom.String()}, {Name: "status", Value: string(v.Status)}},
	}
}

func (l *ledger) saveVersion(v product.Version, action product.Action) error {
	return l.store.Update(l.t.Context(), func(tx origination.Tx) error {
		return tx.SaveProductVersion(l.t.Context(), v, catalogueEvent(v, action))
	})
}

func TestAChangedVersionComesBackWithItsEvent(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	draft := l.addVersion("37", "2026-09-01", product.StatusDraft)
	want := ledgerVersion(draft.ID, "QLFMD", "371503", "2026-10-01")
	want.Revision = draft.Revision + 1
	want.EffectiveTo, want.BaseID, want.Overridden, want.Sources = domain.Date{}, "", nil, nil
	l.must(l.saveVersion(want, product.ActionActivate))

	got, err := l.store.ProductVersion(t.Context(), want.ID)
	if d := cmp.Diff(want, got, asStored); err != nil || d != "" {
		t.Errorf("saved and read differ, %v (-saved +read):\n%s", err, d)
	}
	events, err := l.store.ProductEvents(t.Context(), "QLFMD")
	if d := cmp.Diff([]product.Event{catalogueEvent(want, product.ActionActivate)}, events); err != nil || d != "" {
		t.Errorf("history, %v (-want +got):\n%s", err, d)
	}
	if others, err := l.store.ProductEvents(t.Context(), "OTHER"); err != nil || len(others) != 0 {
		t.Errorf("history of another product: %v, %v; want none", others, err)
	}
}

func TestAStaleVersionIsNotSavedAndLeavesNoEvent(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	v := l.addVersion("37", "2026-09-01", product.StatusDraft)
	for name, revision := range map[string]int{"the same revision": v.Revision, "one too far": v.Revision + 2} {
		stale := v
		stale.Revision = revision
		wantCode(t, name, l.saveVersion(stale, product.ActionEdit), domain.KindConflict, "stale-version")
	}
	unknown := v
	unknown.ID, unknown.Revision = l.newID(), v.Revision+1
	wantCode(t, "an unknown version", l.saveVersion(unknown, product.ActionEdit), domain.KindConflict, "stale-version")
	if n := l.count("SELECT COUNT(*) FROM product_events"); n != 0 {
		t.Errorf("%d events of refused changes, want none", n)
	}
}

func TestTheDatabaseItselfKeepsTwoActiveVersionsFromOneDay(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	l.addVersion("37", "2026-09-01", product.StatusActive)
	l.addVersion("37", "2026-09-01", product.StatusValidated) // any number may wait for the same day
	v := l.addVersion("37", "2026-09-01", product.StatusValidated)
	v.Revision++
	v.Status, v.ActivatedBy, v.ActivatedAt = product.StatusActive, ledgerApprover, ledgerStart
	wantCode(t, "a second active version", l.saveVersion(v, product.ActionActivate), domain.KindConflict, "version-conflict")
	v.RegionPrefix = "3715" // another prefix is no neighbour
	if err := l.saveVersion(v, product.ActionActivate); err != nil {
		t.Errorf("the same day in another region: %v", err)
	}
}

func TestADraftThatContradictsItselfIsReadAndASealedOneIsNot(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	v := l.addVersion("37", "2026-09-01", product.StatusDraft)
	v.Revision++
	v.Terms = product.Terms{}
	l.must(l.saveVersion(v, product.ActionEdit))
	if got, err := l.store.ProductVersion(t.Context(), v.ID); err != nil || !got.AmountMax.IsZero() {
		t.Errorf("an empty draft: %s, %v; want it to be read", got.AmountMax, err)
	}
	l.exec("UPDATE product_versions SET status = 'validated' WHERE id = ?", v.ID.String())
	if _, err := l.store.ProductVersion(t.Context(), v.ID); err == nil {
		t.Error("a validated version without terms was read")
	}
}

func TestALockedProductKeepsOthersWaiting(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	locked, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- l.store.Update(t.Context(), func(tx origination.Tx) error {
			if _, err := tx.LockProduct(t.Context(), "QLFMD"); err != nil {
				return err
			}
			close(locked)
			<-release
			return nil
		})
	}()
	<-locked
	var one int
	err := l.rows.QueryRowContext(t.Context(), "SELECT 1 FROM products WHERE code = 'QLFMD' FOR UPDATE NOWAIT").Scan(&one)
	if err == nil {
		t.Error("a second session locked the product at once")
	}
	close(release)
	l.must(<-done)
	l.must(l.rows.QueryRowContext(t.Context(), "SELECT 1 FROM products WHERE code = 'QLFMD' FOR UPDATE NOWAIT").Scan(&one))

	err = l.store.Update(t.Context(), func(tx origination.Tx) error {
		_, err := tx.LockProduct(t.Context(), "NONE")
		return err
	})
	wantCode(t, "an unknown product", err, domain.KindNotFound, "product-not-found")
}

func TestVersionsComeInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	var ids []domain.ID
	for _, status := range []product.Status{product.StatusActive, product.StatusDraft, product.StatusValidated} {
		ids = append(ids, l.addVersion("37", "2026-09-01", status).ID)
	}
	list := func(filter origination.ProductVersionFilter, page domain.Page) (got []domain.ID) {
		versions, err := l.store.ProductVersionPage(t.Context(), "QLFMD", filter, page)
		l.must(err)
		for _, v := range versions {
			got = append(got, v.ID)
		}
		return got
	}
	for _, c := range []struct {
		name   string
		filter origination.ProductVersionFilter
		page   domain.Page
		want   []domain.ID
	}{
		{"all", origination.ProductVersionFilter{}, domain.Page{Limit: 10}, []domain.ID{ids[2], ids[1], ids[0]}},
		{"the first", origination.ProductVersionFilter{}, domain.Page{Limit: 1}, []domain.ID{ids[2]}},
		{"after the first", origination.ProductVersionFilter{}, domain.Page{Limit: 10, After: ids[2]}, []domain.ID{ids[1], ids[0]}},
		{"in use", origination.ProductVersionFilter{OnlyActive: true}, domain.Page{Limit: 10}, []domain.ID{ids[0]}},
	} {
		if d := cmp.Diff(c.want, list(c.filter, c.page)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	all, err := l.store.AllProductVersions(t.Context(), "QLFMD")
	if err != nil || len(all) != 3 {
		t.Errorf("all versions: %d, %v; want 3", len(all), err)
	}
}

func TestAHistoryHasOneLineForEachRevision(t *testing.T) {
	t.Parallel()
	l := newCatalogueLedger(t)
	v := l.addVersion("37", "2026-09-01", product.StatusDraft)
	insert := func() error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.InsertProductEvent(t.Context(), catalogueEvent(v, product.ActionDraft))
		})
	}
	l.must(insert())
	wantCode(t, "a second line", insert(), domain.KindConflict, "stale-version")
	// Refused after the event: the whole change is undone, the line with it.
	v.Revision++
	failed := errors.New("no")
	err := l.store.Update(t.Context(), func(tx origination.Tx) error {
		if err := tx.SaveProductVersion(t.Context(), v, catalogueEvent(v, product.ActionEdit)); err != nil {
			return err
		}
		return failed
	})
	if n := l.count("SELECT COUNT(*) FROM product_events"); !errors.Is(err, failed) || n != 1 {
		t.Errorf("after a change that failed: %v and %d lines, want the failure and one line", err, n)
	}
}
