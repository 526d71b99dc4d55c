package api

import (
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// credentialsBodyLimit bounds what somebody can send who has not said who it is.
const credentialsBodyLimit = 16 << 10 // bytes

// secretBytesMax bounds a password or a token as it is typed. Longer ones than any that count are let through to be
// refused like other wrong ones.
const secretBytesMax = 1000

// usernameRunesMax is more than a user name can have, so that a mistyped one is wrong and not malformed.
const usernameRunesMax = 64

func (s *server) sessionRoutes() []route {
	open := func(path string, handler func(*gin.Context) error) route {
		return route{method: http.MethodPost, path: path, access: accessPublic, handler: handler, bodyLimit: credentialsBodyLimit}
	}
	return []route{
		open("/v1/sessions", s.login),
		open("/v1/sessions/refresh", s.refresh),
		open("/v1/sessions/revoke", s.logout),
		open("/v1/oauth/token", s.oauthToken),
		{method: http.MethodGet, path: "/v1/me", handler: s.me, partner: true},
	}
}

// secret reads a password or a token as it was typed.
func secret(text string) (staff.Secret, error) {
	if text == "" {
		return staff.Secret{}, domain.BadValue("required", "必填")
	}
	if len(text) > secretBytesMax {
		return staff.Secret{}, domain.BadValue("too-long", "最多 %d 个字节", secretBytesMax)
	}
	return staff.NewSecret(text), nil
}

type tokenView struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
}

type sessionView struct {
	tokenView

	RefreshToken          string    `json:"refresh_token"`
	RefreshTokenExpiresAt time.Time `json:"refresh_token_expires_at"`
	User                  userView  `json:"user"`
}

func (s *server) viewToken(g origination.Grant) (tokenView, error) {
	access, err := s.tokens.mint(g)
	return tokenView{AccessToken: access, TokenType: "Bearer", ExpiresIn: int(AccessTokenLifetime / time.Second)}, err
}

func (s *server) answerSession(c *gin.Context, g origination.Grant) error {
	access, err := s.viewToken(g)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusCreated, sessionView{
		tokenView: access, RefreshToken: g.RefreshToken.Reveal(), RefreshTokenExpiresAt: g.RefreshExpiresAt, User: viewUser(g.User),
	})
}

// login opens a session. It takes no Idempotency-Key: its answer must not be kept for a repeated request, and a second
// session does no harm.
func (s *server) login(c *gin.Context) error {
	in, err := readObject(c)
	if err != nil {
		return err
	}
	username := in.text("username", 1, usernameRunesMax)
	password := required(in, "password", secret)
	newPassword := optional(in, "new_password", secret)
	if err := in.done(); err != nil {
		return err
	}
	var g origination.Grant
	if newPassword == nil {
		g, err = s.staff.Login(c.Request.Context(), username, password)
	} else {
		g, err = s.staff.LoginWithNewPassword(c.Request.Context(), username, password, *newPassword)
	}
	if err != nil {
		return err
	}
	return s.answerSession(c, g)
}

func readRefreshToken(c *gin.Context) (staff.Secret, error) {
	in, err := readObject(c)
	if err != nil {
		return staff.Secret{}, err
	}
	token := required(in, "refresh_token", secret)
	return token, in.done()
}

func (s *server) refresh(c *gin.Context) error {
	token, err := readRefreshToken(c)
	if err != nil {
		return err
	}
	g, err := s.staff.Refresh(c.Request.Context(), token)
	if err != nil {
		return err
	}
	return s.answerSession(c, g)
}

func (s *server) logout(c *gin.Context) error {
	token, err := readRefreshToken(c)
	if err != nil {
		return err
	}
	if err := s.staff.Logout(c.Request.Context(), token); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// oauthToken gives a service account an access token (RFC 6749 section 4.4). Refusals are problem documents as everywhere
// else, with the RFC's error codes written with dashes: invalid-client, invalid-request, unsupported-grant-type.
func (s *server) oauthToken(c *gin.Context) error {
	form, err := readForm(c)
	if err != nil {
		return err
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return errInvalidRequest()
	default:
		return domain.Errorf(domain.KindInvalid, "unsupported-grant-type", "grant_type 只支持 client_credentials")
	}
	clientID, clientSecret, err := clientCredentials(c, form)
	if err != nil {
		return err
	}
	g, err := s.staff.ClientCredentials(c.Request.Context(), clientID, clientSecret)
	if err != nil {
		if c.GetHeader("Authorization") != "" {
			c.Header("WWW-Authenticate", `Basic realm="fumin"`) // RFC 6749 section 5.2: who tried Basic is told Basic
		}
		return err
	}
	access, err := s.viewToken(g)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, access)
}

func errInvalidRequest() error {
	return domain.Errorf(domain.KindInvalid, "invalid-request",
		"请求内容应为表单：grant_type=client_credentials，每个参数只写一次；client_id 与 client_secret 写在表单里，或写在 Authorization: Basic 请求头里，二者取一")
}

// readForm reads a body of application/x-www-form-urlencoded. Parameters nobody knows are left alone, as RFC 6749 wants.
func readForm(c *gin.Context) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, domain.Errorf(domain.KindInvalid, "unsupported-media-type", "请求头 Content-Type 应为 application/x-www-form-urlencoded")
	}
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errInvalidRequest()
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, errInvalidRequest()
		}
	}
	return form, nil
}

// clientCredentials reads who a client says it is: from the Authorization header, where both parts are form-encoded once
// more (RFC 6749 section 2.3.1), or from the form; not from both.
func clientCredentials(c *gin.Context, form url.Values) (clientID string, clientSecret staff.Secret, err error) {
	header := c.Request.Header.Values("Authorization")
	if len(header) == 0 {
		if form.Get("client_id") == "" || form.Get("client_secret") == "" {
			return "", staff.Secret{}, errInvalidRequest()
		}
		return form.Get("client_id"), staff.NewSecret(form.Get("client_secret")), nil
	}
	username, password, ok := c.Request.BasicAuth()
	id, idErr := url.QueryUnescape(username)
	text, textErr := url.QueryUnescape(password)
	if !ok || len(header) > 1 || idErr != nil || textErr != nil || form.Has("client_secret") || (form.Has("client_id") && form.Get("client_id") != id) {
		return "", staff.Secret{}, errInvalidRequest()
	}
	return id, staff.NewSecret(text), nil
}

type meView struct {
	ID         domain.ID   `json:"id"`
	Name       string      `json:"name"`
	Role       domain.Role `json:"role"`
	User       *userView   `json:"user"`
	Branch     *branchView `json:"branch"`
	BorrowerID *domain.ID  `json:"borrower_id"`
}

// me says who asks, as the service sees it now.
func (s *server) me(c *gin.Context) error {
	by := actor(c)
	view := meView{ID: by.ID, Name: by.Name, Role: by.Role, BorrowerID: present(by.BorrowerID)}
	if by.Role != domain.RoleBorrower {
		user, branch, err := s.staff.Me(c.Request.Context(), by)
		if err != nil {
			return err
		}
		u, b := viewUser(user), viewBranch(branch)
		view.Name, view.Role, view.User, view.Branch = user.DisplayName, user.Role, &u, &b
	}
	return writeJSON(c, http.StatusOK, view)
}
