package api

// enquiryRoutes are the routes of what other institutions answered about a case (外部查询).
func (s *server) enquiryRoutes() []route { return nil }
