package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// reviewRoutes are the routes of the review of referred cases: tasks, site visits, the committee (审查).
func (s *server) reviewRoutes() []route {
	const one = "/v1/applications/:id"
	return []route{
		{method: http.MethodGet, path: one + "/committee", handler: byID(s.reviews.Committee, shown(viewCommittee))},
		{method: http.MethodPost, path: one + "/votes", handler: s.castVote},
		{method: http.MethodGet, path: one + "/tasks", handler: byID(s.reviews.TasksOfCase, shown(s.viewCaseTasks))},
		{method: http.MethodGet, path: "/v1/controls", handler: s.listControls},
		{method: http.MethodGet, path: "/v1/tasks", handler: s.listTasks, query: true},
		{method: http.MethodPost, path: "/v1/tasks/:id/assign", handler: s.assignTask},
		{method: http.MethodPost, path: "/v1/tasks/:id/complete", handler: s.completeTask},
		{method: http.MethodPost, path: "/v1/tasks/:id/cancel", handler: byIDWithReason(s.reviews.Cancel, shown(s.viewTask))},
		{method: http.MethodPost, path: one + "/site-visits", handler: s.recordVisit},
		{method: http.MethodGet, path: one + "/site-visits", handler: byID(s.reviews.Visits, shown(viewVisits))},
		{method: http.MethodPost, path: "/v1/site-visits/:id/confirm", handler: byID(s.reviews.ConfirmVisit, shown(viewVisit))},
		{method: http.MethodGet, path: one + "/returns", handler: byID(s.reviews.Corrections, shown(viewCorrections))},
	}
}

func (s *server) castVote(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.CastVote{ApplicationID: id, InFavour: in.boolean("in_favour"), Reason: in.text("reason", 1, loan.ReasonMax)}
	if err := in.done(); err != nil {
		return err
	}
	committee, replayed, err := s.reviews.Vote(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewCommittee(committee))
}

type committeeView struct {
	Required            bool        `json:"required"`
	AuthorityID         *domain.ID  `json:"authority_id"`
	Above               string      `json:"above"`
	Members             []domain.ID `json:"members"`
	Quorum              int         `json:"quorum"`
	MajorityNumerator   int         `json:"majority_numerator"`
	MajorityDenominator int         `json:"majority_denominator"`
	InFavour            int         `json:"in_favour"`
	Against             int         `json:"against"`
	Carried             bool        `json:"carried"`
	Closed              bool        `json:"closed"`
	Votes               []voteView  `json:"votes"`
}

type voteView struct {
	ID       domain.ID `json:"id"`
	MemberID domain.ID `json:"member_id"`
	Amount   string    `json:"amount"`
	InFavour bool      `json:"in_favour"`
	Reason   string    `json:"reason"`
	CastAt   time.Time `json:"cast_at"`
}

func viewCommittee(c origination.Committee) committeeView {
	v := committeeView{
		Required: c.Required, AuthorityID: present(c.Authority.ID), Above: c.Authority.Amount.String(), Members: c.Authority.Members,
		Quorum: c.Authority.Quorum, MajorityNumerator: c.Authority.MajorityNumerator, MajorityDenominator: c.Authority.MajorityDenominator,
		InFavour: c.InFavour, Against: c.Against, Carried: c.Carried, Closed: c.Closed, Votes: make([]voteView, len(c.Votes)),
	}
	if v.Members == nil {
		v.Members = []domain.ID{}
	}
	for i, vote := range c.Votes {
		v.Votes[i] = voteView{
			ID: vote.ID, MemberID: vote.MemberID, Amount: vote.Amount.String(), InFavour: vote.InFavour, Reason: vote.Reason, CastAt: vote.CastAt,
		}
	}
	return v
}

func parseTaskStatus(s string) (loan.TaskStatus, error) {
	if status := loan.TaskStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "状态应为 open、done 或 cancelled")
}

func parseTaskKind(s string) (loan.TaskKind, error) {
	if k := loan.TaskKind(s); k.Valid() {
		return k, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的事项种类")
}

func (s *server) listTasks(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var cmd origination.ListTasks
	if mine := query.optionalBoolean("mine"); mine != nil {
		cmd.Mine = *mine
	}
	if overdue := query.optionalBoolean("overdue"); overdue != nil {
		cmd.Overdue = *overdue
	}
	if status := optional(query, "status", parseTaskStatus); status != nil {
		cmd.Status = *status
	}
	if kind := optional(query, "kind", parseTaskKind); kind != nil {
		cmd.Kind = *kind
	}
	if err := query.done(); err != nil {
		return err
	}
	tasks, err := s.reviews.Tasks(c.Request.Context(), actor(c), cmd, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, tasks, s.viewTask, func(t loan.Task) domain.ID { return t.ID }))
}

func (s *server) assignTask(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	owner := required(in, "owner_id", domain.ParseID)
	if err := in.done(); err != nil {
		return err
	}
	task, err := s.reviews.Assign(c.Request.Context(), actor(c), id, owner)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, s.viewTask(task))
}

func (s *server) completeTask(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	result := in.text("result", 1, loan.TaskTextMax)
	if err := in.done(); err != nil {
		return err
	}
	task, err := s.reviews.Complete(c.Request.Context(), actor(c), id, result)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, s.viewTask(task))
}

func (s *server) recordVisit(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	v := loan.SiteVisit{
		SecondID:  required(in, "second_id", domain.ParseID),
		VisitedOn: required(in, "visited_on", domain.ParseDate),
		Findings:  in.text("findings", 1, loan.FindingsMax),
		Photos:    list(in, "photos", 0, loan.VisitPhotosMax, func(s string) (string, error) { return s, nil }),
	}
	if err := in.done(); err != nil {
		return err
	}
	visit, replayed, err := s.reviews.RecordVisit(c.Request.Context(), actor(c), key, id, v)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewVisit(visit))
}

type reviewTaskView struct {
	ID            domain.ID       `json:"id"`
	ApplicationID domain.ID       `json:"application_id"`
	BranchID      domain.ID       `json:"branch_id"`
	DecisionID    domain.ID       `json:"decision_id"`
	Kind          loan.TaskKind   `json:"kind"`
	KindLabel     string          `json:"kind_label"`
	Blocking      bool            `json:"blocking"`
	Text          string          `json:"text"`
	AmountNeeded  *string         `json:"amount_needed"`
	OwnerRole     domain.Role     `json:"owner_role"`
	OwnerID       *domain.ID      `json:"owner_id"`
	DueAt         time.Time       `json:"due_at"`
	Overdue       bool            `json:"overdue"`
	Status        loan.TaskStatus `json:"status"`
	StatusLabel   string          `json:"status_label"`
	Result        string          `json:"result"`
	CreatedAt     time.Time       `json:"created_at"`
	ClosedBy      *domain.ID      `json:"closed_by"`
	ClosedAt      *time.Time      `json:"closed_at"`
}

func (s *server) viewTask(t loan.Task) reviewTaskView {
	v := reviewTaskView{
		ID: t.ID, ApplicationID: t.ApplicationID, BranchID: t.BranchID, DecisionID: t.DecisionID, Kind: t.Kind, KindLabel: t.Kind.Label(),
		Blocking: t.Blocking, Text: t.Text, OwnerRole: t.OwnerRole, OwnerID: present(t.OwnerID), DueAt: t.DueAt, Overdue: t.Overdue(s.now()),
		Status: t.Status, StatusLabel: t.Status.Label(), Result: t.Result, CreatedAt: t.CreatedAt,
		ClosedBy: present(t.ClosedBy), ClosedAt: present(t.ClosedAt),
	}
	if !t.AmountNeeded.IsZero() {
		amount := t.AmountNeeded.String()
		v.AmountNeeded = &amount
	}
	return v
}

type caseTasksView struct {
	Items []reviewTaskView `json:"items"`
	Ready bool             `json:"ready"`
}

func (s *server) viewCaseTasks(c origination.CaseTasks) caseTasksView {
	v := caseTasksView{Items: make([]reviewTaskView, len(c.Items)), Ready: c.Ready}
	for i, t := range c.Items {
		v.Items[i] = s.viewTask(t)
	}
	return v
}

type visitView struct {
	ID             domain.ID   `json:"id"`
	ApplicationID  domain.ID   `json:"application_id"`
	InvestigatorID domain.ID   `json:"investigator_id"`
	SecondID       domain.ID   `json:"second_id"`
	VisitedOn      domain.Date `json:"visited_on"`
	Findings       string      `json:"findings"`
	Photos         []string    `json:"photos"`
	RecordedAt     time.Time   `json:"recorded_at"`
	ConfirmedAt    *time.Time  `json:"confirmed_at"`
}

func viewVisit(v loan.SiteVisit) visitView {
	photos := v.Photos
	if photos == nil {
		photos = []string{}
	}
	return visitView{
		ID: v.ID, ApplicationID: v.ApplicationID, InvestigatorID: v.InvestigatorID, SecondID: v.SecondID, VisitedOn: v.VisitedOn,
		Findings: v.Findings, Photos: photos, RecordedAt: v.RecordedAt, ConfirmedAt: present(v.ConfirmedAt),
	}
}

// allView is a list that is never paged: what one case has.
type allView[V any] struct {
	Items []V `json:"items"`
}

func viewAll[R, V any](records []R, view func(R) V) allView[V] {
	all := allView[V]{Items: make([]V, len(records))}
	for i, r := range records {
		all.Items[i] = view(r)
	}
	return all
}

func viewVisits(visits []loan.SiteVisit) allView[visitView] { return viewAll(visits, viewVisit) }

type correctionView struct {
	ID         domain.ID         `json:"id"`
	DecisionID domain.ID         `json:"decision_id"`
	Reason     string            `json:"reason"`
	Items      []missingItemView `json:"items"`
	ReturnedBy domain.ID         `json:"returned_by"`
	ReturnedAt time.Time         `json:"returned_at"`
}

type missingItemView struct {
	Kind loan.MissingKind `json:"kind"`
	Name string           `json:"name"`
	Text string           `json:"text"`
}

func viewCorrections(corrections []loan.Correction) allView[correctionView] {
	return viewAll(corrections, func(c loan.Correction) correctionView {
		v := correctionView{
			ID: c.ID, DecisionID: c.DecisionID, Reason: c.Reason, Items: make([]missingItemView, len(c.Items)),
			ReturnedBy: c.ReturnedBy, ReturnedAt: c.ReturnedAt,
		}
		for i, item := range c.Items {
			v.Items[i] = missingItemView(item)
		}
		return v
	})
}

func parseMissingKind(s string) (loan.MissingKind, error) {
	if k := loan.MissingKind(s); k.Valid() {
		return k, nil
	}
	return "", domain.BadValue("unknown-value", "应为 document 或 field")
}

func (s *server) returnApplication(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.ReturnApplication{ID: id, Reason: in.text("reason", 1, loan.ReasonMax)}
	for _, item := range in.objects("items", 1, loan.MissingItemsMax) {
		cmd.Items = append(cmd.Items, loan.MissingItem{
			Kind: required(item, "kind", parseMissingKind),
			Name: item.text("name", 1, loan.MissingNameMax),
			Text: item.text("text", 1, loan.MissingTextMax),
		})
	}
	if err := in.done(); err != nil {
		return err
	}
	rec, err := s.applications.Return(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return answerApplication(c, rec)
}

type controlView struct {
	Control   string `json:"control"`
	Label     string `json:"label"`
	Status    string `json:"status"`
	Subject   string `json:"subject"`
	Limit     string `json:"limit"`
	Tried     string `json:"tried"`
	RefusedBy string `json:"refused_by"`
	Refused   string `json:"refused"`
	Within    string `json:"within"`
	Finding   string `json:"finding"`
}

func (s *server) listControls(c *gin.Context) error {
	proofs, err := s.reviews.Controls(c.Request.Context(), actor(c))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewAll(proofs, func(p origination.ControlProof) controlView {
		return controlView{
			Control: p.Control, Label: p.Label, Status: string(p.Status), Subject: p.Subject, Limit: p.Limit,
			Tried: p.Tried, RefusedBy: p.RefusedBy, Refused: p.Refused, Within: p.Within, Finding: p.Finding,
		}
	}))
}
