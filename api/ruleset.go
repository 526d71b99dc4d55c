package api

// ruleSetRoutes are the routes of the rule sets by which applications are decided (规则集).
func (s *server) ruleSetRoutes() []route { return nil }
