package api

// authorityRoutes are the routes of who may approve how much, and who stands in for whom (审批权限).
func (s *server) authorityRoutes() []route { return nil }
