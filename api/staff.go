package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

func (s *server) staffRoutes() []route {
	const one = "/v1/users/:id"
	return []route{
		{method: http.MethodGet, path: "/v1/branches", handler: s.listBranches},
		{method: http.MethodPost, path: "/v1/users", handler: s.createUser},
		{method: http.MethodGet, path: "/v1/users", handler: s.listUsers, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.staff.User, shown(viewUser))},
		{method: http.MethodGet, path: one + "/events", handler: pageByID(s.staff.UserEvents, viewStaffEvent, func(e staff.Event) domain.ID { return e.ID }), query: true},
		{method: http.MethodPost, path: one + "/deactivate", handler: byID(s.staff.DeactivateUser, shown(viewUser))},
		{method: http.MethodPost, path: one + "/password", handler: s.setPassword, partner: true},
	}
}

type branchView struct {
	ID       domain.ID   `json:"id"`
	Code     string      `json:"code"`
	Name     string      `json:"name"`
	Level    staff.Level `json:"level"`
	ParentID *domain.ID  `json:"parent_id"`
}

func viewBranch(b staff.Branch) branchView {
	return branchView{ID: b.ID, Code: b.Code, Name: b.Name, Level: b.Level, ParentID: present(b.ParentID)}
}

type userView struct {
	ID                 domain.ID   `json:"id"`
	Username           string      `json:"username"`
	DisplayName        string      `json:"display_name"`
	Role               domain.Role `json:"role"`
	BranchID           domain.ID   `json:"branch_id"`
	GuaranteeCompanyID *domain.ID  `json:"guarantee_company_id"`
	PasswordTemporary  bool        `json:"password_temporary"`
	DeactivatedAt      *time.Time  `json:"deactivated_at"`
	CreatedAt          time.Time   `json:"created_at"`
	UpdatedAt          time.Time   `json:"updated_at"`
}

func viewUser(u staff.User) userView {
	return userView{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Role: u.Role, BranchID: u.BranchID,
		GuaranteeCompanyID: present(u.GuaranteeCompanyID),
		PasswordTemporary:  u.PasswordTemporary, DeactivatedAt: present(u.DeactivatedAt), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

type staffEventView struct {
	ID        domain.ID    `json:"id"`
	Action    staff.Action `json:"action"`
	ActorID   domain.ID    `json:"actor_id"`
	ActorName string       `json:"actor_name"`
	ActorRole domain.Role  `json:"actor_role"`
	At        time.Time    `json:"at"`
	Detail    []noteView   `json:"detail"`
}

func viewStaffEvent(e staff.Event) staffEventView {
	notes := make([]noteView, len(e.Detail))
	for i, n := range e.Detail {
		notes[i] = noteView(n)
	}
	return staffEventView{ID: e.ID, Action: e.Action, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At, Detail: notes}
}

func (s *server) listBranches(c *gin.Context) error {
	branches, err := s.staff.Branches(c.Request.Context(), actor(c))
	if err != nil {
		return err
	}
	items := make([]branchView, len(branches))
	for i, b := range branches {
		items[i] = viewBranch(b)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []branchView `json:"items"`
	}{items})
}

// createUser fingerprints the request without its password: a plain hash that covers a password would lie in the table of
// keys for anybody to try passwords against. The use case compares the password itself.
func (s *server) createUser(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.CreateUser{
		Username:    required(in, "username", staff.ParseUsername),
		DisplayName: required(in, "display_name", staff.ParseDisplayName),
		Role:        required(in, "role", staff.ParseUserRole),
		BranchID:    required(in, "branch_id", domain.ParseID),
		Password:    required(in, "password", secret),
	}
	if id := optional(in, "id", domain.ParseID); id != nil {
		cmd.ID = *id
	}
	if id := optional(in, "guarantee_company_id", domain.ParseID); id != nil {
		cmd.GuaranteeCompanyID = *id
	}
	if err := in.done(); err != nil {
		return err
	}
	key.Fingerprint = fingerprint(c.Request.Method, c.Request.URL.Path,
		cmd.ID.String(), cmd.Username, cmd.DisplayName, string(cmd.Role), cmd.BranchID.String(), cmd.GuaranteeCompanyID.String())
	user, replayed, err := s.staff.CreateUser(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/users/"+user.ID.String())
	return writeJSON(c, http.StatusCreated, viewUser(user))
}

func (s *server) listUsers(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	if err := query.done(); err != nil {
		return err
	}
	users, err := s.staff.Users(c.Request.Context(), actor(c), p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, users, viewUser, func(u staff.User) domain.ID { return u.ID }))
}

// setPassword changes one's own password, which takes the current one, or resets somebody else's.
func (s *server) setPassword(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	by := actor(c)
	own := id == by.ID
	var current staff.Secret
	if own {
		current = required(in, "current_password", secret)
	}
	next := required(in, "new_password", secret)
	if err := in.done(); err != nil {
		return err
	}
	if own {
		err = s.staff.ChangePassword(c.Request.Context(), by, current, next)
	} else {
		err = s.staff.ResetPassword(c.Request.Context(), by, id, next)
	}
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}
