package origination

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
)

// JobReplay is the replay of a rule set over past decisions (规则集回放).
const JobReplay JobKind = "rule-set-replay"

// Limits of a replay.
const (
	ReplayDaysMax      = 3 * 366
	ReplayMovedShown   = 200 // moved cases in the answer; the file has them all
	ReplayGroupsMax    = 500 // regions (counties), products or bands, each
	ReplaysShown       = 100
	replayPage         = 2000
	replayRegionDigits = 6 // of a region code: the county
)

// ReplayFilter is which past decisions are replayed. Both days are included, by the day of the decision.
type ReplayFilter struct {
	From         domain.Date
	To           domain.Date
	ProductCode  string // empty: all
	RegionPrefix string // empty: everywhere
}

// Validate names everything that is wrong.
func (f ReplayFilter) Validate() error {
	var p domain.Problems
	switch {
	case f.From.IsZero() || f.To.IsZero():
		p.Add("/from", "required", "请填写起止日期")
	case f.To.Before(f.From) || f.From.DaysUntil(f.To) > ReplayDaysMax:
		p.Add("/to", "out-of-range", "止期不早于起期，期间不超过 %d 天", ReplayDaysMax)
	}
	if !decision.ValidRegionScope(f.RegionPrefix) {
		p.Add("/region_prefix", "invalid-region", "应为 2、4、6、9 或 12 位行政区划代码；不限地区时不填")
	}
	return p.Err()
}

// PastDecision is a decision of the past as a replay needs it. Facts are opened when asked for, which is what costs, so that
// several goroutines can share it.
type PastDecision struct {
	ID            domain.ID
	ApplicationID domain.ID
	ApplicationNo string
	BranchID      domain.ID
	ProductCode   string
	RegionCode    string
	DecidedAt     time.Time
	Result        decision.Result // of the rules alone
	Amount        money.Amount    // the ceiling the rules gave
	Facts         func() (decision.Facts, error)
}

// PastKey is where a walk over past decisions stands: the order is by time, then id.
type PastKey struct {
	DecidedAt time.Time
	ID        domain.ID
}

// PastFilter narrows past decisions: decided from the one instant up to and without the other.
type PastFilter struct {
	From, Until  time.Time
	ProductCode  string
	RegionPrefix string
}

// Replay is one run of a rule set over past decisions; its id is that of its job.
type Replay struct {
	ID              domain.ID
	RuleSetID       domain.ID
	RuleSetHash     string // of what was replayed: a draft may have changed since
	BranchID        domain.ID
	Filter          ReplayFilter
	RequestedBy     domain.ID
	RequestedByName string
	RequestedAt     time.Time
	Report          *ReplayReport // nil until it is done

	Job Job // how far it is; filled by reads
}

// ReplayReport says what would have been different.
type ReplayReport struct {
	Cases          int           `json:"cases"`
	Unreadable     int           `json:"unreadable"` // whose stored facts could not be read, and are in no other number
	Moved          int           `json:"moved"`
	Moves          []ReplayMove  `json:"moves"`
	ByRegion       []ReplayGroup `json:"by_region"` // by county
	ByProduct      []ReplayGroup `json:"by_product"`
	ByAmount       []ReplayGroup `json:"by_amount"`
	ApprovedBefore money.Amount  `json:"approved_before"` // sum of the ceilings of approvals
	ApprovedAfter  money.Amount  `json:"approved_after"`
	MovedCases     []MovedCase   `json:"moved_cases"` // the first ReplayMovedShown
}

// ReplayMove counts cases that went from one result to another; where both are the same they stayed.
type ReplayMove struct {
	From  decision.Result `json:"from"`
	To    decision.Result `json:"to"`
	Cases int             `json:"cases"`
}

// ReplayGroup is the moves of one county, product or band of amounts.
type ReplayGroup struct {
	Key            string       `json:"key"`
	Cases          int          `json:"cases"`
	Moved          int          `json:"moved"`
	Moves          []ReplayMove `json:"moves"`
	ApprovedBefore money.Amount `json:"approved_before"`
	ApprovedAfter  money.Amount `json:"approved_after"`
}

// MovedCase is a case whose result is another one.
type MovedCase struct {
	ApplicationID domain.ID       `json:"application_id"`
	ApplicationNo string          `json:"application_no"`
	ProductCode   string          `json:"product_code"`
	RegionCode    string          `json:"region_code"`
	DecidedOn     domain.Date     `json:"decided_on"`
	Amount        money.Amount    `json:"amount"` // asked for
	From          decision.Result `json:"from"`
	To            decision.Result `json:"to"`
	Reasons       []string        `json:"reasons"` // codes of the rules behind the new result
}

type replayPayload struct {
	RuleSetID domain.ID `json:"rule_set_id"`
}

// StartReplay replays a set of any status over past decisions in the actor's scope, in the background (发起回放). A draft that does
// not compile is refused at once.
func (s *RuleSets) StartReplay(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID, f ReplayFilter) (started Replay, replayed bool, err error) {
	if err := writesRules(by); err != nil {
		return Replay{}, false, err
	}
	if err := f.Validate(); err != nil {
		return Replay{}, false, err
	}
	v, err := s.store.RuleSet(ctx, id)
	if err != nil {
		return Replay{}, false, err
	}
	if err := withinScope(v.RuleSetHead, f); err != nil {
		return Replay{}, false, err
	}
	engine, err := s.compiled(ctx, id)
	if err != nil {
		return Replay{}, false, err
	}
	now, jobID := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, jobID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			started, err = tx.Replay(ctx, by.Scope(), id, prior)
			replayed = true
			return err
		}
		r := Replay{
			ID: jobID, RuleSetID: id, RuleSetHash: engine.Hash(), BranchID: by.BranchID, Filter: f,
			RequestedBy: by.ID, RequestedByName: by.Name, RequestedAt: now,
		}
		r.Job, err = EnqueueJob(ctx, tx, by, now, NewJob{
			ID: jobID, Kind: JobReplay, Payload: replayPayload{RuleSetID: id},
			Title: fmt.Sprintf("规则集回放 %s：%s 至 %s", engine.RuleSet(), f.From, f.To),
		})
		if err != nil {
			return err
		}
		if err := tx.InsertReplay(ctx, r); err != nil {
			return err
		}
		started, replayed = r, false
		return nil
	})
	if err == nil && !replayed {
		s.jobs.wake()
	}
	return started, replayed, err
}

// Replay returns one replay of a set; anybody who reads rule sets and sees its branch does, not only who asked for it: the second
// person looks at it before activating.
func (s *RuleSets) Replay(ctx context.Context, by domain.Actor, id, replayID domain.ID) (Replay, error) {
	if err := readsRules(by); err != nil {
		return Replay{}, err
	}
	return s.store.Replay(ctx, by.Scope(), id, replayID)
}

// Replays lists the latest replays of a set, newest first, without their reports.
func (s *RuleSets) Replays(ctx context.Context, by domain.Actor, id domain.ID) ([]Replay, error) {
	if err := readsRules(by); err != nil {
		return nil, err
	}
	if _, err := s.store.RuleSet(ctx, id); err != nil {
		return nil, err
	}
	return s.store.Replays(ctx, by.Scope(), id)
}

// RunReplay is the JobRunner of JobReplay. The set is replayed as it was when the replay was asked for: one that has changed
// since is refused.
func (s *RuleSets) RunReplay(ctx context.Context, job *JobContext) error {
	var payload replayPayload
	if err := job.Payload(&payload); err != nil {
		return err
	}
	scope := job.Job.Requester.Scope()
	r, err := s.store.Replay(ctx, scope, payload.RuleSetID, job.Job.ID)
	if err != nil {
		return err
	}
	v, err := s.store.RuleSet(ctx, payload.RuleSetID)
	if err != nil {
		return err
	}
	if v.Hash != r.RuleSetHash {
		return domain.Errorf(domain.KindConflict, "rule-set-changed", "规则集在发起回放之后已被修改，请重新发起")
	}
	engine, err := s.engines.of(v)
	if err != nil {
		return err
	}
	out, err := job.File(ctx, "回放变动清单.csv", "text/csv; charset=utf-8")
	if err != nil {
		return err
	}
	active, err := activeRuleSets(ctx, s.store)
	if err != nil {
		return err
	}
	run := replayRun{store: s.store, scope: scope, head: v.RuleSetHead, active: active, engine: engine, filter: pastFilter(v.RuleSetHead, r.Filter)}
	report, err := run.all(ctx, out, job.Progress)
	if err != nil {
		return err
	}
	return job.Update(ctx, func(tx Tx) error { return tx.SaveReplayReport(ctx, r.ID, report, s.now()) })
}

// withinScope refuses a filter for cases the set would never judge.
func withinScope(h decision.RuleSetHead, f ReplayFilter) error {
	var p domain.Problems
	if h.Product != "" && f.ProductCode != "" && f.ProductCode != h.Product {
		p.Add("/product_code", "outside-scope", "该规则集只适用于产品 %s", h.Product)
	}
	if !strings.HasPrefix(h.RegionPrefix, f.RegionPrefix) && !strings.HasPrefix(f.RegionPrefix, h.RegionPrefix) {
		p.Add("/region_prefix", "outside-scope", "该规则集只适用于区划代码以 %s 开头的地区", h.RegionPrefix)
	}
	return p.Err()
}

// pastFilter is what of the filter lies within the set's own scope.
func pastFilter(h decision.RuleSetHead, f ReplayFilter) PastFilter {
	past := PastFilter{From: startOfDay(f.From), Until: startOfDay(f.To.AddDays(1)), ProductCode: f.ProductCode, RegionPrefix: f.RegionPrefix}
	if h.Product != "" {
		past.ProductCode = h.Product
	}
	if len(h.RegionPrefix) > len(past.RegionPrefix) {
		past.RegionPrefix = h.RegionPrefix
	}
	return past
}

// replayRun walks past decisions page by page: while one page is judged, by all processors, the next is read.
type replayRun struct {
	store  Reader
	scope  domain.Scope
	head   decision.RuleSetHead
	active []decision.RuleSetHead // of which some go before head
	engine *decision.Engine
	filter PastFilter
}

// ownCases are the decisions that a set would judge: not those of cases for which a set made for less was in force on the day.
func ownCases(h decision.RuleSetHead, active []decision.RuleSetHead, decisions []PastDecision) []PastDecision {
	return slices.DeleteFunc(decisions, func(d PastDecision) bool {
		return h.GivesWay(active, d.ProductCode, d.RegionCode, domain.DateOf(d.DecidedAt))
	})
}

// activeRuleSetsMax is how many active versions are looked at; a lender has some dozens.
const activeRuleSetsMax = 10_000

// activeRuleSets lists every version that was ever put into use.
func activeRuleSets(ctx context.Context, store RuleSetReader) ([]decision.RuleSetHead, error) {
	var all []decision.RuleSetHead
	page := domain.Page{Limit: domain.PageLimitMax}
	for len(all) < activeRuleSetsMax {
		heads, err := store.RuleSets(ctx, RuleSetFilter{Status: decision.RuleSetActive}, page)
		if all = append(all, heads...); err != nil || len(heads) < page.Limit {
			return all, err
		}
		page.After = heads[len(heads)-1].ID
	}
	return nil, fmt.Errorf("more than %d active rule sets", activeRuleSetsMax)
}

type pastPage struct {
	decisions []PastDecision
	err       error
}

// pages reads ahead by one page and ends with an empty one.
func (r replayRun) pages(ctx context.Context) <-chan pastPage {
	read := make(chan pastPage, 1)
	go func() {
		defer close(read)
		var after PastKey
		for {
			decisions, err := r.store.PastDecisions(ctx, r.scope, r.filter, after, replayPage)
			select {
			case read <- pastPage{decisions, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || len(decisions) < replayPage {
				return
			}
			last := decisions[len(decisions)-1]
			after = PastKey{last.DecidedAt, last.ID}
		}
	}()
	return read
}

func (r replayRun) all(ctx context.Context, out io.Writer, progress func(done, estimate int64)) (ReplayReport, error) {
	estimate, err := r.store.CountPastDecisions(ctx, r.scope, r.filter)
	if err != nil {
		return ReplayReport{}, err
	}
	progress(0, estimate)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	table, err := newMovedTable(out)
	if err != nil {
		return ReplayReport{}, err
	}
	sum := newReplaySum()
	done := int64(0)
	for page := range r.pages(ctx) {
		if page.err != nil {
			return ReplayReport{}, page.err
		}
		read := len(page.decisions)
		for _, one := range r.judge(ownCases(r.head, r.active, page.decisions)) {
			if err := sum.add(one, table); err != nil {
				return ReplayReport{}, err
			}
		}
		done += int64(read)
		progress(done, max(estimate, done))
	}
	if err := ctx.Err(); err != nil {
		return ReplayReport{}, err
	}
	if err := table.close(); err != nil {
		return ReplayReport{}, err
	}
	return sum.report(), nil
}

// rejudged is a past decision with what the set says of it now.
type rejudged struct {
	PastDecision
	asked   money.Amount
	outcome decision.Outcome
	err     error
}

// judge opens and judges a page by all processors, in the page's order.
func (r replayRun) judge(decisions []PastDecision) []rejudged {
	judged := make([]rejudged, len(decisions))
	workers := min(runtime.GOMAXPROCS(0), 16)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(decisions); i += workers {
				one := rejudged{PastDecision: decisions[i]}
				facts, err := decisions[i].Facts()
				if one.err = err; err == nil {
					one.asked, _ = facts.Amount.Value()
					one.outcome = r.engine.Evaluate(facts)
				}
				judged[i] = one
			}
		})
	}
	group.Wait()
	return judged
}

// tally counts moves.
type tally struct {
	cases, moved  int
	moves         map[[2]decision.Result]int
	before, after money.Amount
}

func newTally() *tally { return &tally{moves: map[[2]decision.Result]int{}} }

// moves is a number of cases with the same two results.
type moves struct {
	from, to      decision.Result
	cases         int
	before, after money.Amount // sums of the ceilings of approvals
}

func (one rejudged) moves() moves {
	m := moves{from: one.Result, to: one.outcome.Result, cases: 1}
	if one.Result == decision.Approve {
		m.before = one.Amount
	}
	if one.outcome.Result == decision.Approve {
		m.after = one.outcome.AmountMax
	}
	return m
}

func (t *tally) add(m moves) {
	t.cases += m.cases
	t.moves[[2]decision.Result{m.from, m.to}] += m.cases
	if m.from != m.to {
		t.moved += m.cases
	}
	t.before, t.after = t.before.Add(m.before), t.after.Add(m.after)
}

// list gives the moves in the order of the results.
func (t *tally) list() []ReplayMove {
	moves := []ReplayMove{}
	for _, from := range decision.Results() {
		for _, to := range decision.Results() {
			if n := t.moves[[2]decision.Result{from, to}]; n > 0 {
				moves = append(moves, ReplayMove{From: from, To: to, Cases: n})
			}
		}
	}
	return moves
}

type replaySum struct {
	all                         *tally
	unreadable                  int
	byRegion, byProduct, byBand map[string]*tally
	shown                       []MovedCase
}

func newReplaySum() *replaySum {
	return &replaySum{all: newTally(), byRegion: map[string]*tally{}, byProduct: map[string]*tally{}, byBand: map[string]*tally{}, shown: []MovedCase{}}
}

func (s *replaySum) add(one rejudged, table *movedTable) error {
	if one.err != nil {
		s.unreadable++
		return nil //nolint:nilerr // it is counted, and the report says how many there were
	}
	s.count(one.moves(), county(one.RegionCode), one.ProductCode, bandKey(amountBand(one.asked)))
	if one.Result == one.outcome.Result {
		return nil
	}
	moved := MovedCase{
		ApplicationID: one.ApplicationID, ApplicationNo: one.ApplicationNo, ProductCode: one.ProductCode, RegionCode: one.RegionCode,
		DecidedOn: domain.DateOf(one.DecidedAt), Amount: one.asked, From: one.Result, To: one.outcome.Result, Reasons: reasonCodes(one.outcome),
	}
	if len(s.shown) < ReplayMovedShown {
		s.shown = append(s.shown, moved)
	}
	return table.write(moved)
}

// count adds cases to the whole and to each of their groups.
func (s *replaySum) count(m moves, county, productCode, band string) {
	s.all.add(m)
	for _, group := range []struct {
		tallies map[string]*tally
		key     string
	}{{s.byRegion, county}, {s.byProduct, productCode}, {s.byBand, band}} {
		t := group.tallies[group.key]
		if t == nil && len(group.tallies) < ReplayGroupsMax {
			t = newTally()
			group.tallies[group.key] = t
		}
		if t != nil {
			t.add(m)
		}
	}
}

// county is the county of a region code.
func county(regionCode string) string { return regionCode[:min(len(regionCode), replayRegionDigits)] }

// reasonCodes are the codes of the rules behind a result that is no approval.
func reasonCodes(o decision.Outcome) []string {
	codes := []string{}
	for _, reason := range o.Reasons {
		if reason.Effect == o.Result && reason.Effect != decision.Approve {
			codes = append(codes, reason.Code)
		}
	}
	return codes
}

func (s *replaySum) report() ReplayReport {
	return ReplayReport{
		Cases: s.all.cases, Unreadable: s.unreadable, Moved: s.all.moved, Moves: s.all.list(),
		ByRegion: groups(s.byRegion), ByProduct: groups(s.byProduct), ByAmount: bandGroups(s.byBand),
		ApprovedBefore: s.all.before, ApprovedAfter: s.all.after, MovedCases: s.shown,
	}
}

func groups(tallies map[string]*tally) []ReplayGroup {
	list := make([]ReplayGroup, 0, len(tallies))
	for _, key := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[key]
		list = append(list, ReplayGroup{Key: key, Cases: t.cases, Moved: t.moved, Moves: t.list(), ApprovedBefore: t.before, ApprovedAfter: t.after})
	}
	return list
}

// amountBands are the steps of the amount asked for (金额段), in yuan, ascending.
var amountBands = []struct {
	below money.Amount
	key   string
}{
	{money.MustParseAmount("10000.00"), "1 万元以下"},
	{money.MustParseAmount("50000.00"), "1 万至 5 万元"},
	{money.MustParseAmount("100000.00"), "5 万至 10 万元"},
	{money.MustParseAmount("300000.00"), "10 万至 30 万元"},
	{money.MustParseAmount("1000000.00"), "30 万至 100 万元"},
}

const bandAbove = "100 万元及以上"

// amountBand is the number of the step, from 0: its lower end is included, its upper is not.
func amountBand(amount money.Amount) int {
	for i, band := range amountBands {
		if amount.Cmp(band.below) < 0 {
			return i
		}
	}
	return len(amountBands)
}

// bandKey names a step.
func bandKey(band int) string {
	if band < 0 || band >= len(amountBands) {
		return bandAbove
	}
	return amountBands[band].key
}

func bandGroups(tallies map[string]*tally) []ReplayGroup {
	order := map[string]int{bandAbove: len(amountBands)}
	for i, band := range amountBands {
		order[band.key] = i
	}
	list := groups(tallies)
	slices.SortStableFunc(list, func(a, b ReplayGroup) int { return cmp.Compare(order[a.Key], order[b.Key]) })
	return list
}

// movedTable writes the moved cases as CSV in UTF-8 with a byte-order mark, as table programs want it.
type movedTable struct {
	out    io.Writer
	buffer bytes.Buffer
	rows   *csv.Writer
}

const tableBufferBytes = 64 << 10

func newMovedTable(out io.Writer) (*movedTable, error) {
	t := &movedTable{out: out}
	t.buffer.WriteString("\ufeff")
	t.rows = csv.NewWriter(&t.buffer)
	return t, t.rows.Write([]string{"申请编号", "产品", "地区", "决策日期", "申请金额", "原结论", "新结论", "新结论的原因代码"})
}

func (t *movedTable) write(m MovedCase) error {
	reasons := strings.Join(m.Reasons, " ")
	err := t.rows.Write([]string{m.ApplicationNo, m.ProductCode, m.RegionCode, m.DecidedOn.String(), m.Amount.String(), string(m.From), string(m.To), reasons})
	if err != nil || t.buffer.Len() < tableBufferBytes {
		return err
	}
	return t.close()
}

func (t *movedTable) close() error {
	t.rows.Flush()
	if err := t.rows.Error(); err != nil {
		return err
	}
	_, err := t.buffer.WriteTo(t.out)
	return err
}

// startOfDay is the first instant of a business day.
func startOfDay(d domain.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, domain.BusinessZone).UTC()
}
