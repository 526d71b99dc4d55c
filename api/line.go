package api

// lineRoutes are the routes of credit lines, loan notes and repayments (授信额度、借据、还款).
func (s *server) lineRoutes() []route { return nil }
