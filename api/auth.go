package api

import (
	"net/http"
	"strings"

	"fumin/domain"
)

// headerBorrowerID names the one borrower a service account's call acts for.
const headerBorrowerID = "Fumin-Borrower-Id"

// Authenticate says who sent a request: the bearer of its access token (RFC 6750), which must stand in the Authorization
// header and nowhere else. A service account says with each call for which borrower it acts, and sees that borrower only;
// whether there is one is found out like everything else, by not finding it. Staff act for the lender and name no borrower.
func (t *Tokens) Authenticate(r *http.Request) (domain.Actor, error) {
	token, err := bearerToken(r.Header)
	if err != nil {
		return domain.Actor{}, err
	}
	by, err := t.verify(token)
	if err != nil {
		return domain.Actor{}, err
	}
	borrowers := r.Header.Values(headerBorrowerID)
	if by.Role != domain.RoleBorrower { // staff, or the core system, which acts for nobody
		if len(borrowers) > 0 {
			return domain.Actor{}, domain.Errorf(domain.KindInvalid, "borrower-not-allowed",
				"员工办理业务不能带 %s 请求头，它只供服务账号使用", headerBorrowerID)
		}
		return by, nil
	}
	if len(borrowers) == 1 {
		by.BorrowerID, err = domain.ParseID(borrowers[0])
	}
	if by.BorrowerID.IsZero() || err != nil {
		return domain.Actor{}, domain.Errorf(domain.KindInvalid, "borrower-required",
			"服务账号的每次调用都要用 %s 请求头指明所代表的借款人（小写 UUID），只能有一个", headerBorrowerID)
	}
	return by, nil
}

func bearerToken(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", domain.Errorf(domain.KindUnauthenticated, "authentication-required", "请先登录，并在 Authorization 请求头中带上访问令牌")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", domain.Errorf(domain.KindUnauthenticated, "invalid-token", "Authorization 请求头应为“Bearer 访问令牌”，只能有一个")
	}
	return token, nil
}
