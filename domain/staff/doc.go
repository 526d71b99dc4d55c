// Package staff is who works for the lender and how they prove it: branches, users, service accounts, passwords,
// login limits and sessions (机构、员工、服务账号、登录).
//
// It owns what these are and the rules about them, as pure functions of their arguments: the time, the salt and the
// tokens are made outside. It does not own who may manage whom (domain/origination), tokens' wire format (api) or storage.
package staff
