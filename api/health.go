package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
)

// readyTimeout bounds the question whether the service is ready: a balancer that waits longer has given up already.
const readyTimeout = 2 * time.Second

func (s *server) healthRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/healthz", access: accessPublic, handler: s.health},
		{method: http.MethodGet, path: "/readyz", access: accessPublic, handler: s.readiness},
	}
}

type healthView struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

// health says that the process runs. It asks nothing else, so that a database that is away does not get every node
// restarted.
func (s *server) health(c *gin.Context) error {
	return writeJSON(c, http.StatusOK, healthView{Status: "ok", Version: s.version})
}

// readiness says whether this node should get requests now.
func (s *server) readiness(c *gin.Context) error {
	if err := s.checkReady(c.Request.Context()); err != nil {
		return domain.Errorf(domain.KindUnavailable, "not-ready", "服务暂时不可用，请稍后再试").Because(err)
	}
	return writeJSON(c, http.StatusOK, healthView{Status: "ready", Version: s.version})
}

// checkReady asks for at most readyTimeout. A check that ignores its context is answered for, not waited for.
func (s *server) checkReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- s.ready(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
