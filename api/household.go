package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

func (s *server) householdRoutes() []route {
	const one = "/v1/households/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/households", handler: s.createHousehold},
		{method: http.MethodGet, path: "/v1/households", handler: s.listHouseholds, query: true},
		{method: http.MethodGet, path: one, handler: s.readHousehold},
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
	h, replayed, err := s.borrowers.CreateHousehold(c.Request.Context(), actor(c), origination.Idempotency(key), cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, h.Version)
	c.Header("Location", "/v1/households/"+h.ID.String())
	return writeJSON(c, http.StatusCreated, viewHousehold(h))
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
	return writeJSON(c, http.StatusOK, viewList(c, p, households, viewHousehold, func(h borrower.Household) domain.ID { return h.ID }))
}

func (s *server) readHousehold(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	h, err := s.borrowers.Household(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	return answerHousehold(c, h)
}

func answerHousehold(c *gin.Context, h borrower.Household) error {
	setVersion(c, h.Version)
	return writeJSON(c, http.StatusOK, viewHousehold(h))
}

type householdView struct {
	ID          domain.ID           `json:"id"`
	BranchID    domain.ID           `json:"branch_id"`
	VillageCode borrower.RegionCode `json:"village_code"`
	Address     string              `json:"address"`
	HeadID      domain.ID           `json:"head_id"`
	Members     []memberView        `json:"members"`
	Version     int                 `json:"version"`
	CreatedAt   time.Time           `json:"created_at"`
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
func viewHousehold(h borrower.Household) householdView {
	members := make([]memberView, len(h.Members))
	for i, m := range h.Members {
		members[i] = memberView{
			ID: m.ID, Name: m.Name.String(), IDNumber: maskedOrNull(m.IDNumber), Relation: m.Relation,
			JoinedOn: m.JoinedOn, LeftOn: present(m.LeftOn),
		}
	}
	return householdView{
		ID: h.ID, BranchID: h.BranchID, VillageCode: h.VillageCode, Address: h.Address.String(), HeadID: h.HeadID,
		Members: members, Version: h.Version, CreatedAt: h.CreatedAt,
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
