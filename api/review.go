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
