package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// authorityRoutes are the routes of who may approve how much, and who stands in for whom (审批权限).
func (s *server) authorityRoutes() []route {
	const one = "/v1/authorities/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/authorities", handler: s.draftAuthority},
		{method: http.MethodGet, path: "/v1/authorities", handler: s.listAuthorities, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.authorities.Authority, shown(viewAuthority))},
		{method: http.MethodPost, path: one + "/activate", handler: byID(s.authorities.Activate, shown(viewAuthority))},
		{method: http.MethodPost, path: one + "/end", handler: s.endAuthority},
		{method: http.MethodPost, path: "/v1/delegations", handler: s.makeDelegation},
		{method: http.MethodGet, path: "/v1/delegations", handler: s.listDelegations, query: true},
		{method: http.MethodPost, path: "/v1/delegations/:id/revoke", handler: byID(s.authorities.RevokeDelegation, shown(viewDelegation))},
	}
}

func parseAuthorityKind(s string) (staff.AuthorityKind, error) {
	if k := staff.AuthorityKind(s); k.Valid() {
		return k, nil
	}
	return "", domain.BadValue("unknown-value", "类别应为 approve、override 或 committee")
}

func parseAuthorityStatus(s string) (staff.AuthorityStatus, error) {
	if status := staff.AuthorityStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "状态应为 draft 或 active")
}

func authorityOf(in *object) staff.Authority {
	a := staff.Authority{
		Kind:          required(in, "kind", parseAuthorityKind),
		GuaranteeKind: in.text("guarantee_kind", 1, 20),
		RegionPrefix:  in.text("region_prefix", 0, 12),
		ProductCode:   in.text("product_code", 0, 32),
		Amount:        required(in, "amount", positiveAmount),
		EffectiveFrom: required(in, "effective_from", domain.ParseDate),
		Basis:         in.text("basis", 1, staff.AuthorityBasisMax),
		Members:       list(in, "members", 0, staff.CommitteeMembersMax, domain.ParseID),
	}
	if role := optional(in, "role", staff.ParseUserRole); role != nil {
		a.Role = *role
	}
	if id := optional(in, "user_id", domain.ParseID); id != nil {
		a.UserID = *id
	}
	if to := optional(in, "effective_to", domain.ParseDate); to != nil {
		a.EffectiveTo = *to
	}
	for name, number := range map[string]*int{
		"quorum": &a.Quorum, "majority_numerator": &a.MajorityNumerator, "majority_denominator": &a.MajorityDenominator,
	} {
		if n := in.optionalInteger(name, 0, 100); n != nil {
			*number = *n
		}
	}
	return a
}

func (s *server) draftAuthority(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	content := authorityOf(in)
	if err := in.done(); err != nil {
		return err
	}
	a, replayed, err := s.authorities.Draft(c.Request.Context(), actor(c), key, content)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/authorities/"+a.ID.String())
	return writeJSON(c, http.StatusCreated, viewAuthority(a))
}

func (s *server) listAuthorities(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.AuthorityFilter
	if kind := optional(query, "kind", parseAuthorityKind); kind != nil {
		filter.Kind = *kind
	}
	if status := optional(query, "status", parseAuthorityStatus); status != nil {
		filter.Status = *status
	}
	if id := optional(query, "user_id", domain.ParseID); id != nil {
		filter.UserID = *id
	}
	if err := query.done(); err != nil {
		return err
	}
	list, err := s.authorities.Authorities(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, list, viewAuthority, func(a staff.Authority) domain.ID { return a.ID }))
}

func (s *server) endAuthority(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	to := required(in, "effective_to", domain.ParseDate)
	if err := in.done(); err != nil {
		return err
	}
	a, err := s.authorities.End(c.Request.Context(), actor(c), id, to)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewAuthority(a))
}

func (s *server) makeDelegation(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	d := staff.Delegation{
		FromID:   required(in, "from_id", domain.ParseID),
		ToID:     required(in, "to_id", domain.ParseID),
		StartsOn: required(in, "starts_on", domain.ParseDate),
		EndsOn:   required(in, "ends_on", domain.ParseDate),
		Reason:   in.text("reason", 1, staff.DelegationReasonMax),
	}
	if err := in.done(); err != nil {
		return err
	}
	made, replayed, err := s.authorities.Delegate(c.Request.Context(), actor(c), key, d)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewDelegation(made))
}

func (s *server) listDelegations(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	if err := query.done(); err != nil {
		return err
	}
	list, err := s.authorities.Delegations(c.Request.Context(), actor(c), p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, list, viewDelegation, func(d staff.Delegation) domain.ID { return d.ID }))
}

type authorityView struct {
	ID                  domain.ID             `json:"id"`
	Kind                staff.AuthorityKind   `json:"kind"`
	Status              staff.AuthorityStatus `json:"status"`
	Role                domain.Role           `json:"role"`
	UserID              *domain.ID            `json:"user_id"`
	ProductCode         string                `json:"product_code"`
	GuaranteeKind       string                `json:"guarantee_kind"`
	RegionPrefix        string                `json:"region_prefix"`
	Amount              string                `json:"amount"`
	Members             []domain.ID           `json:"members"`
	Quorum              int                   `json:"quorum"`
	MajorityNumerator   int                   `json:"majority_numerator"`
	MajorityDenominator int                   `json:"majority_denominator"`
	EffectiveFrom       domain.Date           `json:"effective_from"`
	EffectiveTo         *domain.Date          `json:"effective_to"`
	Basis               string                `json:"basis"`
	Sample              bool                  `json:"sample"`
	DraftedBy           domain.ID             `json:"drafted_by"`
	DraftedAt           time.Time             `json:"drafted_at"`
	ActivatedBy         *domain.ID            `json:"activated_by"`
	ActivatedAt         *time.Time            `json:"activated_at"`
	EndedBy             *domain.ID            `json:"ended_by"`
	EndedAt             *time.Time            `json:"ended_at"`
	EndAskedBy          *domain.ID            `json:"end_asked_by"`
	EndAskedAt          *time.Time            `json:"end_asked_at"`
	EndAskedFor         *domain.Date          `json:"end_asked_for"`
}

func viewAuthority(a staff.Authority) authorityView {
	members := a.Members
	if members == nil {
		members = []domain.ID{}
	}
	return authorityView{
		ID: a.ID, Kind: a.Kind, Status: a.Status, Role: a.Role, UserID: present(a.UserID), ProductCode: a.ProductCode,
		GuaranteeKind: a.GuaranteeKind, RegionPrefix: a.RegionPrefix, Amount: a.Amount.String(), Members: members, Quorum: a.Quorum,
		MajorityNumerator: a.MajorityNumerator, MajorityDenominator: a.MajorityDenominator,
		EffectiveFrom: a.EffectiveFrom, EffectiveTo: present(a.EffectiveTo), Basis: a.Basis, Sample: a.Sample,
		DraftedBy: a.DraftedBy, DraftedAt: a.DraftedAt, ActivatedBy: present(a.ActivatedBy), ActivatedAt: present(a.ActivatedAt),
		EndedBy: present(a.EndedBy), EndedAt: present(a.EndedAt), EndAskedBy: present(a.EndAsked.By),
		EndAskedAt: present(a.EndAsked.At), EndAskedFor: present(a.EndAsked.To),
	}
}

type delegationView struct {
	ID        domain.ID   `json:"id"`
	BranchID  domain.ID   `json:"branch_id"`
	FromID    domain.ID   `json:"from_id"`
	ToID      domain.ID   `json:"to_id"`
	StartsOn  domain.Date `json:"starts_on"`
	EndsOn    domain.Date `json:"ends_on"`
	Reason    string      `json:"reason"`
	MadeBy    domain.ID   `json:"made_by"`
	MadeAt    time.Time   `json:"made_at"`
	RevokedBy *domain.ID  `json:"revoked_by"`
	RevokedAt *time.Time  `json:"revoked_at"`
}

func viewDelegation(d staff.Delegation) delegationView {
	return delegationView{
		ID: d.ID, BranchID: d.BranchID, FromID: d.FromID, ToID: d.ToID, StartsOn: d.StartsOn, EndsOn: d.EndsOn, Reason: d.Reason,
		MadeBy: d.MadeBy, MadeAt: d.MadeAt, RevokedBy: present(d.RevokedBy), RevokedAt: present(d.RevokedAt),
	}
}
