package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// reportSources has the source of every report.
var reportSources = map[report.Code]reportSource{
	report.ApplicationLedger:  applicationLedger,
	report.DisbursementLedger: disbursementLedger,
	report.LineUse:            lineUse,
	report.GuaranteeLedger:    guaranteeLedger,
	report.ExceptionsAndHolds: exceptionsUpTo(exceptionsMax),
	report.InclusiveFlags:     inclusiveFlags,
	report.BookBalance:        summary(bookBalance),
	report.VillagePenetration: summary(villagePenetration),
	report.Turnaround:         summary(turnaround),
	report.StaffWork:          summary(staffWork),
	report.DeclineReasons:     summary(declineReasons),
}

func errReportKey() error {
	return domain.Errorf(domain.KindInvalid, "invalid-cursor", "after 不是上一页给出的 next，请从第一页重新开始")
}

// applicationLedger walks the applications in the order in which they were opened, and completes each from its history.
var applicationLedger = ledger{
	from:   "applications a {index} JOIN borrowers b ON b.id = a.borrower_id",
	index:  "ix_applications_created",
	branch: "a.branch_id", time: "a.created_at", id: "a.id", product: "a.product_code",
	cells: func(q report.Query) []string {
		return []string{
			"a.application_no", "a.product_code", "a.region_code", "b.kind", maskedCell("b.name", q.Reveal), "''", "a.purpose",
			beijingCell("a.created_at"), "''", "''", "CAST(a.term_months AS CHAR)", "CAST(a.amount AS CHAR)", "''",
		}
	},
	finish: completeApplications,
}

// The places of an application's cells that its history says.
const (
	cellChannel = 5 + iota
	cellPurpose
	_ // opened_at
	cellSubmittedAt
	cellStatus
	cellTermMonths
	cellAmount
	cellApprovedAmount
)

// completeApplications fills in what was so at the end of the as-of day: from the events up to then, and not from the row,
// which says what is so now.
func completeApplications(ctx context.Context, r reader, q report.Query, rows []ledgerRow) error {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.id
	}
	histories, err := r.reportHistories(ctx, ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		was := asOf(histories[domain.ID(row.id)], q.Cutoff())
		row.cells[cellChannel] = was.channel
		row.cells[cellSubmittedAt] = report.CellOfInstant(was.submittedAt)
		row.cells[cellStatus] = was.status
		for cell, value := range map[int]string{cellPurpose: was.purpose, cellTermMonths: was.termMonths, cellAmount: was.amount} {
			if value != "" { // events of before these notes were kept do not say
				row.cells[cell] = value
			}
		}
		row.cells[cellApprovedAmount] = was.approvedAmount
		if was.approved && was.approvedAmount == "" {
			row.cells[cellApprovedAmount] = row.cells[cellAmount]
		}
	}
	return nil
}

// reportHistories reads the histories of applications, each in the order of its versions.
func (r reader) reportHistories(ctx context.Context, ids []string) (map[domain.ID][]eventRow, error) {
	var events []eventRow
	err := r.db.WithContext(ctx).
		Select("subject_id", "version", "action", "from_status", "to_status", "actor_id", "actor_role", "at", "detail").
		Where("subject_id IN ?", ids).Order("subject_id, version").Find(&events).Error
	if err != nil {
		return nil, err
	}
	histories := make(map[domain.ID][]eventRow, len(ids))
	for _, e := range events {
		histories[e.SubjectID] = append(histories[e.SubjectID], e)
	}
	return histories, nil
}

// applicationState is an application as it stood at a moment.
type applicationState struct {
	channel, status             string
	submittedAt                 time.Time
	amount, termMonths, purpose string
	approved                    bool
	approvedAmount              string
}

// asOf folds a history up to a moment, which itself does not count.
func asOf(history []eventRow, cutoff time.Time) applicationState {
	var s applicationState
	for i, e := range history {
		notes := notesOf(e)
		if !e.At.Before(cutoff) {
			// What an edit after the moment replaced is what was so before it, for histories whose beginning does not say.
			if loan.Action(e.Action) == loan.ActionEdit {
				s.amount, s.termMonths = firstOf(s.amount, notes["amount_before"]), firstOf(s.termMonths, notes["term_months_before"])
				s.purpose = firstOf(s.purpose, notes["purpose_before"])
			}
			continue
		}
		if i == 0 {
			s.channel = channelOf(e.ActorRole)
		}
		s.status = e.ToStatus
		switch loan.Action(e.Action) { //nolint:exhaustive // the others change the status alone
		case loan.ActionCreate, loan.ActionEdit:
			s.amount, s.termMonths, s.purpose = firstOf(notes["amount"], s.amount), firstOf(notes["term_months"], s.termMonths), firstOf(notes["purpose"], s.purpose)
		case loan.ActionSubmit:
			s.submittedAt, s.approvedAmount = e.At, notes["approved_amount"]
		case loan.ActionApprove:
			s.approvedAmount = notes["amount"]
		}
	}
	switch loan.Status(s.status) { //nolint:exhaustive // in every other status nothing is granted
	case loan.StatusApproved, loan.StatusSigned, loan.StatusDisbursed, loan.StatusClosed:
		s.approved = true
	default:
		s.approvedAmount = ""
	}
	return s
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func notesOf(e eventRow) map[string]string {
	notes := make(map[string]string, len(e.Detail.Content))
	for _, n := range e.Detail.Content {
		notes[n.Name] = n.Value
	}
	return notes
}

// channelOf tells a borrower's own application from one that staff opened.
func channelOf(creatorRole string) string {
	if creatorRole == string(domain.RoleBorrower) {
		return "mobile"
	}
	return "branch"
}

// turnaroundBatch is how many applications are looked at in one query.
const turnaroundBatch = 1_000

// turnaroundGroup is what one product and channel of a branch took.
type turnaroundGroup struct {
	submitted         int
	toAnswer, toMoney []time.Duration
}

// turnaround measures from the first submit to the first answer, and to the first money, of the applications first
// submitted in the range. It walks the submits of the range, so that it costs what the range holds and not what the branch has.
func turnaround(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
	groups := map[[2]string]*turnaroundGroup{}
	pending := map[domain.ID]int{} // the first submit of each application that was met since the last look
	look := func() error {
		err := r.addTurnaround(ctx, q, pending, groups)
		clear(pending)
		return err
	}
	err := r.eachEvent(ctx, q, branch, "subject = 'application' AND action = 'submit'", func(e eventRow) error {
		if _, met := pending[e.SubjectID]; !met {
			pending[e.SubjectID] = e.Version
		}
		if len(pending) < turnaroundBatch {
			return nil
		}
		return look()
	})
	if err == nil {
		err = look()
	}
	hours := func(d []time.Duration, percent int) string { return report.CellOfHours(report.Percentile(d, percent)) }
	rows := make([]summaryRow, 0, len(groups))
	for key, g := range groups {
		rows = append(rows, summaryRow{key[0] + ledgerKeySeparator + key[1], []string{
			key[0], key[1], strconv.Itoa(g.submitted),
			strconv.Itoa(len(g.toAnswer)), hours(g.toAnswer, 50), hours(g.toAnswer, 90),
			strconv.Itoa(len(g.toMoney)), hours(g.toMoney, 50), hours(g.toMoney, 90),
		}})
	}
	return rows, err
}

// addTurnaround adds the applications whose first submit is the one that was met, and not an earlier one.
func (r reader) addTurnaround(ctx context.Context, q report.Query, met map[domain.ID]int, groups map[[2]string]*turnaroundGroup) error {
	if len(met) == 0 {
		return nil
	}
	var page []struct {
		ID                            domain.ID
		ProductCode, Channel          string
		FirstSubmit                   int
		SubmittedAt, AnsweredAt, Paid timeColumn
	}
	err := r.db.WithContext(ctx).Raw(`SELECT a.id, a.product_code,
			MAX(IF(e.version = 1, e.actor_role, '')) AS channel,
			MIN(IF(e.action = 'submit', e.version, NULL)) AS first_submit,
			MIN(IF(e.action = 'submit', e.at, NULL)) AS submitted_at,
			MIN(IF(e.to_status IN ('approved', 'declined'), e.at, NULL)) AS answered_at,
			MIN(IF(e.action = 'disburse', e.at, NULL)) AS paid
		FROM applications a JOIN events e ON e.subject_id = a.id
		WHERE a.id IN ? AND e.at < ? AND (? = '' OR a.product_code = ?) GROUP BY a.id, a.product_code`,
		slices.Collect(maps.Keys(met)), q.Cutoff(), q.ProductCode, q.ProductCode).Scan(&page).Error
	if err != nil {
		return err
	}
	for _, a := range page {
		if a.FirstSubmit != met[a.ID] {
			continue
		}
		key := [2]string{a.ProductCode, channelOf(a.Channel)}
		if groups[key] == nil {
			groups[key] = &turnaroundGroup{}
		}
		g, submitted := groups[key], a.SubmittedAt.Time
		g.submitted++
		if !a.AnsweredAt.IsZero() {
			g.toAnswer = append(g.toAnswer, a.AnsweredAt.Sub(submitted))
		}
		if !a.Paid.IsZero() {
			g.toMoney = append(g.toMoney, a.Paid.Sub(submitted))
		}
	}
	return nil
}

// workPage is how many events are read at a time.
const workPage = 5_000

// eachEvent walks what was done at a branch in the range, in order.
func (r reader) eachEvent(ctx context.Context, q report.Query, branch staff.Branch, condition string, each func(eventRow) error) error {
	after, end, afterID, afterVersion := q.Start(), q.Cutoff(), domain.ID(""), 0
	if q.From.IsZero() {
		after = time.Unix(0, 0).UTC() // a snapshot counts from the beginning
	} else {
		end = q.End()
	}
	for {
		var page []eventRow
		err := r.db.WithContext(ctx).Table("events FORCE INDEX (ix_events_branch)").
			Where("branch_id = ? AND at >= ? AND at < ?", branch.ID, after, end).
			Where("(at > ? OR subject_id > ? OR (subject_id = ? AND version > ?))", after, afterID, afterID, afterVersion).
			Where(condition).
			Order("at, subject_id, version").Limit(workPage).Find(&page).Error
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := each(e); err != nil {
				return err
			}
		}
		if len(page) < workPage {
			return nil
		}
		last := page[len(page)-1]
		after, afterID, afterVersion = last.At, last.SubjectID, last.Version
	}
}

// staffWork counts what each member of staff did in the range.
func staffWork(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
	type work struct {
		name, role string
		counts     map[string]int
		opened     money.Amount
	}
	const counted = "subject IN ('application', 'disbursement') AND actor_role NOT IN ('borrower', 'system')"
	products := r.productsOfCases(q)
	done := map[string]*work{}
	err := r.eachEvent(ctx, q, branch, counted, func(e eventRow) error {
		if ok, err := products.has(ctx, e.CaseID); err != nil || !ok {
			return err
		}
		key := e.ActorID.String() + ledgerKeySeparator + e.ActorRole
		w := done[key]
		if w == nil {
			w = &work{name: e.ActorName, role: e.ActorRole, counts: map[string]int{}}
			done[key] = w
		}
		w.name = e.ActorName
		if e.Action == string(loan.ActionCreate) {
			amount, err := money.ParseAmount(notesOf(e)["amount"])
			if err != nil {
				return fmt.Errorf("event %s/%d: %w", e.SubjectID, e.Version, err)
			}
			w.opened = w.opened.Add(amount)
		}
		w.counts[e.Action]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	usernames, err := r.usernames(ctx, slices.Collect(maps.Keys(done)))
	if err != nil {
		return nil, err
	}
	rows := make([]summaryRow, 0, len(done))
	for key, w := range done {
		username := usernames[strings.Split(key, ledgerKeySeparator)[0]]
		count := func(a loan.Action) string { return strconv.Itoa(w.counts[string(a)]) }
		rows = append(rows, summaryRow{username + ledgerKeySeparator + key, []string{
			username, w.name, w.role, count(loan.ActionCreate), count(loan.ActionSubmit), count(loan.ActionApprove),
			count(loan.ActionDecline), count(loan.ActionSign), count(loan.ActionRelease), w.opened.String(),
		}})
	}
	return rows, nil
}

// usernames looks up the user names of actors, of whom keys name the ids first.
func (r reader) usernames(ctx context.Context, keys []string) (map[string]string, error) {
	names := map[string]string{}
	for batch := range slices.Chunk(keys, 500) {
		ids := make([]string, len(batch))
		for i, key := range batch {
			ids[i], _, _ = strings.Cut(key, ledgerKeySeparator)
		}
		var users []struct{ ID, Username string }
		if err := r.db.WithContext(ctx).Table("users").Select("id", "username").Where("id IN ?", ids).Find(&users).Error; err != nil {
			return nil, err
		}
		for _, u := range users {
			names[u.ID] = u.Username
		}
	}
	return names, nil
}

// caseProducts says whether a case is of the product asked for, and remembers a bounded number of answers.
type caseProducts struct {
	reader  reader
	product string
	known   map[domain.ID]bool
}

const caseProductsMax = 100_000

func (r reader) productsOfCases(q report.Query) *caseProducts {
	return &caseProducts{reader: r, product: q.ProductCode, known: map[domain.ID]bool{}}
}

func (p *caseProducts) has(ctx context.Context, caseID domain.ID) (bool, error) {
	if p.product == "" {
		return true, nil
	}
	if is, known := p.known[caseID]; known {
		return is, nil
	}
	if len(p.known) >= caseProductsMax {
		clear(p.known)
	}
	var code string
	err := p.reader.db.WithContext(ctx).Table("applications").Select("product_code").Where("id = ?", caseID).Scan(&code).Error
	p.known[caseID] = code == p.product
	return code == p.product, err
}

// declineReasons counts why applications were declined in the range: by each rule that declined, or by a person.
func declineReasons(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
	type group struct {
		count  int
		amount money.Amount
	}
	groups := map[[3]string]*group{}
	add := func(product, ruleSet, code string, amount money.Amount) {
		key := [3]string{product, ruleSet, code}
		if groups[key] == nil {
			groups[key] = &group{}
		}
		groups[key].count++
		groups[key].amount = groups[key].amount.Add(amount)
	}
	err := r.eachEvent(ctx, q, branch, "subject = 'application' AND to_status = 'declined'", func(e eventRow) error {
		found, err := r.declined(ctx, e)
		if err != nil || (q.ProductCode != "" && found.ProductCode != q.ProductCode) {
			return err
		}
		if e.Action != string(loan.ActionSubmit) {
			add(found.ProductCode, "person", "person", found.amount)
			return nil
		}
		for _, reason := range found.Outcome.Content.Reasons {
			if reason.Effect == "decline" {
				add(found.ProductCode, found.Outcome.Content.RuleSet, reason.Code, found.amount)
			}
		}
		return nil
	})
	rows := make([]summaryRow, 0, len(groups))
	for key, g := range groups {
		rows = append(rows, summaryRow{strings.Join(key[:], ledgerKeySeparator), []string{
			key[0], key[1], key[2], strconv.Itoa(g.count), g.amount.String(),
		}})
	}
	return rows, err
}

// declinedCase is what a declined application was, when it was declined.
type declinedCase struct {
	ProductCode string
	Outcome     jsonColumn[outcomeDocument]
	amount      money.Amount
}

// declined reads the decision that was made with an event, and the amount that was asked for then.
func (r reader) declined(ctx context.Context, e eventRow) (declinedCase, error) {
	var found declinedCase
	err := r.db.WithContext(ctx).Table("applications a").
		Select("a.product_code, COALESCE(d.outcome, '{}') AS outcome").
		Joins("LEFT JOIN decisions d ON d.application_id = a.id AND d.application_version = ?", e.Version).
		Where("a.id = ?", e.SubjectID).Scan(&found).Error
	if err != nil {
		return declinedCase{}, err
	}
	histories, err := r.reportHistories(ctx, []string{e.SubjectID.String()})
	if err != nil {
		return declinedCase{}, err
	}
	was := asOf(histories[e.SubjectID], e.At.Add(time.Microsecond))
	found.amount, err = money.ParseAmount(was.amount)
	if err != nil {
		return declinedCase{}, fmt.Errorf("application %s: the amount in its history: %w", e.SubjectID, err)
	}
	return found, nil
}
