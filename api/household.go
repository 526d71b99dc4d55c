package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func (s *server) householdRoutes() []route {
	const one = "/v1/households/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/households", handler: s.createHousehold},
		{method: http.MethodGet, path: "/v1/households", handler: s.listHouseholds, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.borrowers.Household, s.answerHousehold)},
		{method: http.MethodPost, path: one + "/reveal", handler: s.revealHousehold},
		{method: http.MethodGet, path: one + "/events", handler: s.listEvents(s.borrowers.HouseholdHistory), query: true},
		{method: http.MethodPost, path: one + "/members", handler: s.joinHousehold},
		{method: http.MethodPost, path: one + "/members/:member_id/leave", handler: s.leaveHousehold},
		{method: http.MethodPost, path: one + "/head", handler: s.changeHead},
		{method: http.MethodPost, path: one + "/split", handler: s.splitHousehold},
		{method: http.MethodPost, path: one + "/merge", handler: s.mergeHouseholds},
		{method: http.MethodPost, path: one + "/property", handler: s.addProperty},
		{method: http.MethodPost, path: one + "/figures", handler: s.changeFigures},
	}
}

func (s *server) createHousehold(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.CreateHousehold{
		VillageCode: required(in, "village_code", borrower.ParseVillageCode),
		Address:     required(in, "address", borrower.ParseAddress),
	}
	if id := optional(in, "id", domain.ParseID); id != nil {
		cmd.ID = *id
	}
	head := in.object("head")
	cmd.HeadName = required(head, "name", borrower.ParsePersonName)
	cmd.HeadIDNumber = required(head, "id_number", borrower.ParseIDNumber)
	if err := doneWith(in, s.borrowers.CheckHousehold(actor(c), cmd)); err != nil {
		return err
	}
	h, replayed, err := s.borrowers.CreateHousehold(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, h.Version)
	c.Header("Location", "/v1/households/"+h.ID.String())
	return writeJSON(c, http.StatusCreated, s.viewHousehold(h))
}

// doneWith ends the reading like done, and adds what is wrong with the values taken together. What a parser has refused is
// said once: the record that lacks the value would only say that it is missing.
func doneWith(in *object, semantic error) error {
	syntactic := in.done()
	wrong, both := errors.AsType[*domain.Error](semantic)
	said, refused := errors.AsType[*domain.Error](syntactic)
	switch {
	case syntactic == nil:
		return semantic
	case !refused || said.Code != "invalid-fields":
		return syntactic
	case !both || wrong.Code != "invalid-fields":
		return either(semantic, syntactic)
	}
	for _, f := range wrong.Fields { // at most domain.FieldsMax
		if !covered(said.Fields, f.Pointer) {
			in.problems.Add(f.Pointer, f.Code, "%s", f.Detail)
		}
	}
	return in.problems.Err()
}

// either returns the first error that is one.
func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// covered reports whether something was said about the pointer already, or about what it lies in.
func covered(said []domain.Field, pointer string) bool {
	for _, f := range said {
		if pointer == f.Pointer || strings.HasPrefix(pointer, f.Pointer+"/") {
			return true
		}
	}
	return false
}

func (s *server) listHouseholds(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.HouseholdFilter
	if code := optional(query, "village_code", borrower.ParseVillageCode); code != nil {
		filter.VillageCode = *code
	}
	if err := query.done(); err != nil {
		return err
	}
	households, err := s.borrowers.Households(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, households, s.viewHousehold, func(h borrower.Household) domain.ID { return h.ID }))
}

func (s *server) answerHousehold(c *gin.Context, h borrower.Household) error {
	setVersion(c, h.Version)
	return writeJSON(c, http.StatusOK, s.viewHousehold(h))
}

// membershipOf reads what every change of members says.
func membershipOf(in *object, householdID domain.ID) origination.MembershipChange {
	return origination.MembershipChange{
		HouseholdID: householdID,
		On:          required(in, "on", domain.ParseDate),
		Reason:      in.text("reason", 1, borrower.BasisRunesMax),
	}
}

// relationsOf reads what each member is to the head.
func relationsOf(in *object) map[domain.ID]borrower.Relation {
	relations := map[domain.ID]borrower.Relation{}
	for _, r := range in.objects("relations", 0, borrower.ListMax) {
		id := required(r, "member_id", domain.ParseID)
		if _, twice := relations[id]; twice && !id.IsZero() {
			r.check("member_id", domain.BadValue("duplicate", "与列表中前面的一项重复"))
		}
		relations[id] = required(r, "relation", parseRelation)
	}
	return relations
}

func parseRelation(s string) (borrower.Relation, error) { return enum(borrower.Relation(s)) }

func (s *server) joinHousehold(c *gin.Context) error {
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
	cmd := origination.JoinHousehold{
		MembershipChange: membershipOf(in, id),
		MemberID:         orZero(optional(in, "id", domain.ParseID)),
		Name:             required(in, "name", borrower.ParsePersonName),
		IDNumber:         orZero(optional(in, "id_number", borrower.ParseIDNumber)),
		Relation:         required(in, "relation", parseRelation),
	}
	if err := doneWith(in, s.borrowers.CheckJoin(actor(c), cmd)); err != nil {
		return err
	}
	h, replayed, err := s.borrowers.Join(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, h.Version)
	return writeJSON(c, http.StatusCreated, s.viewHousehold(h))
}

func (s *server) leaveHousehold(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	memberID, err := pathID(c, "member_id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	change := membershipOf(in, id)
	if err := in.done(); err != nil {
		return err
	}
	h, err := s.borrowers.Leave(c.Request.Context(), actor(c), change, memberID)
	if err != nil {
		return err
	}
	return s.answerHousehold(c, h)
}

func (s *server) changeHead(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	change, memberID, relations := membershipOf(in, id), required(in, "member_id", domain.ParseID), relationsOf(in)
	if err := in.done(); err != nil {
		return err
	}
	h, err := s.borrowers.ChangeHead(c.Request.Context(), actor(c), change, memberID, relations)
	if err != nil {
		return err
	}
	return s.answerHousehold(c, h)
}

// pairView is the two households of a split or a merger.
type pairView struct {
	Household householdView `json:"household"` // the one the path names
	Other     householdView `json:"other"`
}

func (s *server) splitHousehold(c *gin.Context) error {
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
	cmd := origination.SplitHousehold{
		MembershipChange: membershipOf(in, id),
		NewID:            orZero(optional(in, "id", domain.ParseID)),
		VillageCode:      orZero(optional(in, "village_code", borrower.ParseVillageCode)),
		Address:          orZero(optional(in, "address", borrower.ParseAddress)),
		MemberIDs:        list(in, "member_ids", 1, borrower.ListMax, domain.ParseID),
		HeadID:           required(in, "head_id", domain.ParseID),
		Relations:        relationsOf(in),
		LandIDs:          list(in, "land_ids", 0, borrower.ListMax, domain.ParseID),
	}
	if err := in.done(); err != nil {
		return err
	}
	rest, made, replayed, err := s.borrowers.Split(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/households/"+made.ID.String())
	return writeJSON(c, http.StatusCreated, pairView{Household: s.viewHousehold(rest), Other: s.viewHousehold(made)})
}

func (s *server) mergeHouseholds(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	change, fromID, relations := membershipOf(in, id), required(in, "household_id", domain.ParseID), relationsOf(in)
	if err := in.done(); err != nil {
		return err
	}
	merged, ended, err := s.borrowers.Merge(c.Request.Context(), actor(c), change, fromID, relations)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, pairView{Household: s.viewHousehold(merged), Other: s.viewHousehold(ended)})
}

// fullHouseholdView is what a reveal shows.
type fullHouseholdView struct {
	ID      domain.ID        `json:"id"`
	Address string           `json:"address"`
	Members []fullMemberView `json:"members"`
}

type fullMemberView struct {
	ID        domain.ID    `json:"id"`
	Name      string       `json:"name"`
	IDNumber  *string      `json:"id_number"`
	BirthDate *domain.Date `json:"birth_date"`
}

func (s *server) revealHousehold(c *gin.Context) error {
	id, reason, err := recordAndReason(c)
	if err != nil {
		return err
	}
	h, err := s.borrowers.RevealHousehold(c.Request.Context(), actor(c), id, reason)
	if err != nil {
		return err
	}
	v := fullHouseholdView{ID: h.ID, Address: h.Address.Reveal(), Members: make([]fullMemberView, len(h.Members))}
	for i, m := range h.Members {
		v.Members[i] = fullMemberView{
			ID: m.ID, Name: m.Name.Reveal(), IDNumber: fullOrNull(m.IDNumber), BirthDate: present(m.IDNumber.BirthDate()),
		}
	}
	return writeJSON(c, http.StatusOK, v)
}

// recordAndReason reads a request that says no more than which record and why.
func recordAndReason(c *gin.Context) (id domain.ID, reason string, err error) {
	if id, err = pathID(c, "id"); err != nil {
		return "", "", err
	}
	in, err := readObject(c)
	if err != nil {
		return "", "", err
	}
	reason = in.text("reason", 1, loan.ReasonMax)
	return id, reason, in.done()
}

// full is a personal value whose text a reveal shows.
type full interface {
	IsZero() bool
	Reveal() string
}

// fullOrNull returns the text itself, or null where there is no value. Only a reveal calls it.
func fullOrNull(v full) *string {
	if v.IsZero() {
		return nil
	}
	text := v.Reveal()
	return &text
}

type householdView struct {
	ID          domain.ID           `json:"id"`
	BranchID    domain.ID           `json:"branch_id"`
	VillageCode borrower.RegionCode `json:"village_code"`
	Address     string              `json:"address"`
	HeadID      domain.ID           `json:"head_id"`
	Members     []memberView        `json:"members"`
	LandAreaMu  borrower.Area       `json:"land_area_mu"`
	Lands       []landView          `json:"lands"`
	Livestock   []livestockView     `json:"livestock"`
	Crops       []cropView          `json:"crops"`
	Figures     []figuresView       `json:"figures"`
	Changes     []changeView        `json:"changes"`
	EndedOn     *domain.Date        `json:"ended_on"`
	Version     int                 `json:"version"`
	CreatedAt   time.Time           `json:"created_at"`
}

type changeView struct {
	Kind        borrower.ChangeKind `json:"kind"`
	On          domain.Date         `json:"on"`
	MemberID    *domain.ID          `json:"member_id"`
	FormerID    *domain.ID          `json:"former_id"`
	HouseholdID *domain.ID          `json:"household_id"`
	Reason      string              `json:"reason"`
}

type memberView struct {
	ID       domain.ID         `json:"id"`
	Name     string            `json:"name"`
	IDNumber *string           `json:"id_number"`
	Relation borrower.Relation `json:"relation"`
	JoinedOn domain.Date       `json:"joined_on"`
	LeftOn   *domain.Date      `json:"left_on"`
}

// viewHousehold shows masked values only; the full ones take a reveal.
func (s *server) viewHousehold(h borrower.Household) householdView {
	members := make([]memberView, len(h.Members))
	for i, m := range h.Members {
		members[i] = memberView{
			ID: m.ID, Name: m.Name.String(), IDNumber: maskedOrNull(m.IDNumber), Relation: m.Relation,
			JoinedOn: m.JoinedOn, LeftOn: present(m.LeftOn),
		}
	}
	changes := make([]changeView, len(h.Changes))
	for i, c := range h.Changes {
		changes[i] = changeView{
			Kind: c.Kind, On: c.On, MemberID: present(c.MemberID), FormerID: present(c.FormerID), HouseholdID: present(c.HouseholdID),
			Reason: c.Reason,
		}
	}
	return householdView{
		ID: h.ID, BranchID: h.BranchID, VillageCode: h.VillageCode, Address: h.Address.String(), HeadID: h.HeadID,
		Members: members, LandAreaMu: borrower.LandAreaOn(h.Lands, domain.DateOf(s.now())),
		Lands: viewLands(h.Lands), Livestock: viewLivestock(h.Livestock), Crops: viewCrops(h.Crops), Figures: viewFigures(h.Figures),
		Changes: changes, EndedOn: present(h.EndedOn), Version: h.Version, CreatedAt: h.CreatedAt,
	}
}

// masked is a personal value: its String is its mask.
type masked interface {
	IsZero() bool
	String() string
}

// maskedOrNull returns the mask, or null where there is no value.
func maskedOrNull(v masked) *string {
	if v.IsZero() {
		return nil
	}
	mask := v.String()
	return &mask
}
