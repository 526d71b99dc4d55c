package drive

import (
	"context"
	"encoding/json"
)

// Node is one process of the service; a site may have several over its one database and channel.
type Node struct {
	Service *Service // at this process's address: one that is started again has another

	process *Process
}

// Kill is `kill -9`, and returns once the process has gone.
func (n *Node) Kill() error { return n.process.Kill() }

// Output returns the last lines the node wrote.
func (n *Node) Output() string { return n.process.Output() }

// StartNode starts a process of the service beside those that run, with further settings, and returns once it serves.
// It is for one goroutine at a time. Close stops the node.
func (s *Site) StartNode(ctx context.Context, settings ...string) (*Node, error) {
	process, err := start("fumin serve", s.dir, s.program, append(settings, s.settings...), "serve")
	if err != nil {
		return nil, err
	}
	node := &Node{process: process}
	err = process.awaitAddress(ctx, func(line string) bool {
		var entry struct {
			Message string `json:"msg"`
			Address string `json:"address"`
		}
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Message != "serving" {
			return false
		}
		node.Service = At("http://" + entry.Address)
		return true
	})
	if err != nil {
		return nil, err
	}
	s.nodes = append(s.nodes, process)
	return node, nil
}

// MoveTo has the session's further calls answered by another node, which knows its token as well. It is for a session that
// only one goroutine uses.
func (s *Session) MoveTo(service *Service) { s.service = service }
