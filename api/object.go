package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of a request body. Past one of them it is refused before any field is looked at.
const (
	depthMax      = 16     // objects and lists inside one another
	membersMax    = 2_000  // object members and list elements together
	textRunesMax  = 90_000 // of any one text; a drawn signature in base64 is the longest
	unknownMax    = 10     // unknown members named in one answer
	nameRunesMax  = 60     // of a client's member name, where an answer repeats it
	parametersMax = 50     // of a query
)

// object reads one JSON object (or a query) member by member, and collects everything that is wrong with it, so that one
// answer can say all of it. A handler asks for each member it knows, then calls done:
//
//	in, err := readObject(c)
//	if err != nil {
//		return err
//	}
//	cmd := origination.OpenApplication{Amount: required(in, "amount", positiveAmount), …}
//	if err := in.done(); err != nil {
//		return err
//	}
//
// There are no struct tags: they cannot tell absent from zero, and would be a third place that says what a field is.
// A member that is null counts as absent. After a problem the readers return zero values; done makes sure that nobody
// uses them.
type object struct {
	*reading
	pointer string // where the object stands in the body, as an RFC 6901 pointer; "" for the whole
	members map[string]any
	known   map[string]bool // the members somebody asked for
	absent  bool            // it is not there or was refused: its members are not complained about again
}

// reading is what the objects of one request share.
type reading struct {
	problems domain.Problems
	asked    []*object // every object a handler reads from
	query    bool      // the members are query parameters: all of them text
}

// readBody returns the request's body, and the same bytes when asked again.
func readBody(c *gin.Context) ([]byte, error) {
	if body, ok := kept[[]byte](c, keyBody); ok {
		return body, nil
	}
	body, err := io.ReadAll(c.Request.Body) // bounded by http.MaxBytesReader in (*server).limit
	if err != nil {
		return nil, errReading(c, err)
	}
	c.Set(keyBody, body)
	return body, nil
}

// errReading says what is wrong when the body could not be read.
func errReading(c *gin.Context, err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return domain.Errorf(domain.KindInvalid, "body-too-large", "请求内容过大，最多 %d 字节", tooLarge.Limit)
	}
	if ended := c.Request.Context().Err(); ended != nil {
		return ended
	}
	return domain.Errorf(domain.KindInvalid, "unreadable-body", "请求内容没有完整送达，请重新发送").Because(err)
}

// streamedBody is a request's body for a use case that reads it row by row. What goes wrong in reading it comes out of the use case
// as the client's mistake, as it does from readBody.
type streamedBody struct{ c *gin.Context }

// Read implements io.Reader.
func (b streamedBody) Read(p []byte) (int, error) {
	n, err := b.c.Request.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = errReading(b.c, err)
	}
	return n, err
}

// readObject reads the body as exactly one JSON object in UTF-8.
func readObject(c *gin.Context) (*object, error) {
	if err := checkContentType(c.Request.Header); err != nil {
		return nil, err
	}
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	return parseObject(body)
}

// readOptionalObject is readObject for a request that may have no body at all; none is read as {}.
func readOptionalObject(c *gin.Context) (*object, error) {
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return newReading(map[string]any{}, false), nil
	}
	return readObject(c)
}

// readNoBody is for a request that says all in its path: it may have no body, or {}. Anything else is refused as readObject
// refuses it, because a client that sends an amount with a release believes that the amount counts.
func readNoBody(c *gin.Context) error {
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	return in.done()
}

// checkContentType lets through application/json in UTF-8, unpacked, and nothing else.
func checkContentType(h http.Header) error {
	refused := domain.Errorf(domain.KindInvalid, "unsupported-media-type",
		"请求头 Content-Type 应为 application/json，编码为 UTF-8，不压缩")
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return refused
	}
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return refused
	}
	mediaType, parameters, err := mime.ParseMediaType(values[0])
	if err != nil || mediaType != "application/json" {
		return refused
	}
	for name, value := range parameters {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return refused
		}
	}
	return nil
}

// parseObject is readObject without HTTP.
func parseObject(body []byte) (*object, error) {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return nil, domain.Errorf(domain.KindInvalid, "body-required", "请求内容为空，应为一个 JSON 对象")
	}
	if !utf8.Valid(body) {
		return nil, domain.Errorf(domain.KindInvalid, "unreadable-json", "请求内容不是有效的 UTF-8 文本")
	}
	// The first pass is about syntax only, and finds where the value ends; the second one looks at what is in it.
	var whole json.RawMessage
	first := json.NewDecoder(bytes.NewReader(body))
	if err := first.Decode(&whole); err != nil {
		return nil, unreadable(body, err)
	}
	end := int(first.InputOffset())
	if rest := bytes.TrimLeft(body[end:], " \t\r\n"); len(rest) > 0 {
		line, column := place(body, len(body)-len(rest))
		return nil, domain.Errorf(domain.KindInvalid, "trailing-text", "JSON 对象之后还有多余内容：第 %d 行第 %d 列", line, column)
	}

	w := walker{body: body, decoder: json.NewDecoder(bytes.NewReader(body[:end]))}
	w.decoder.UseNumber()
	value, err := w.value(0, "")
	if err != nil {
		return nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, domain.Errorf(domain.KindInvalid, "object-required", "请求内容应为一个 JSON 对象，即以 { 开头、以 } 结尾")
	}
	return newReading(members, false), nil
}

func newReading(members map[string]any, query bool) *object {
	r := &reading{query: query}
	return r.add("", members, false)
}

func (r *reading) add(pointer string, members map[string]any, absent bool) *object {
	o := &object{reading: r, pointer: pointer, members: members, known: map[string]bool{}, absent: absent}
	r.asked = append(r.asked, o)
	return o
}

// unreadable says where the syntax breaks, without repeating what stands there.
func unreadable(body []byte, err error) error {
	offset := len(body)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(syntax.Offset) - 1 // the offset counts the offending byte
	}
	line, column := place(body, offset)
	return domain.Errorf(domain.KindInvalid, "unreadable-json", "请求内容不是正确的 JSON：第 %d 行第 %d 列", line, column)
}

// place turns an offset into a line and a column, both from 1, columns in characters.
func place(body []byte, offset int) (line, column int) {
	before := body[:min(max(offset, 0), len(body))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[lineStart:]) + 1
}

// walker turns valid JSON into Go values, and refuses what encoding/json would let pass: a key written twice (the last
// one would win), text that was damaged on its way, and more than anybody needs.
type walker struct {
	body    []byte
	decoder *json.Decoder
	count   int // members and elements so far
}

// value reads one value. Its depth is bounded by depthMax, and so is the recursion.
func (w *walker) value(depth int, pointer string) (any, error) {
	token, err := w.decoder.Token()
	if err != nil {
		return nil, unreadable(w.body, err)
	}
	switch t := token.(type) {
	case json.Delim:
		if depth == depthMax {
			return nil, domain.Errorf(domain.KindInvalid, "too-deep", "JSON 嵌套过深，最多 %d 层", depthMax)
		}
		if t == '{' {
			return w.object(depth, pointer)
		}
		return w.list(depth, pointer)
	case string:
		return t, w.checkText(t)
	default: // json.Number, bool, nil
		return t, nil
	}
}

func (w *walker) object(depth int, pointer string) (any, error) {
	members := map[string]any{}
	for w.decoder.More() { // bounded by membersMax
		if err := w.another(); err != nil {
			return nil, err
		}
		token, err := w.decoder.Token()
		if err != nil {
			return nil, unreadable(w.body, err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, unreadable(w.body, nil)
		}
		if err := w.checkText(name); err != nil {
			return nil, err
		}
		at := pointer + "/" + escapeName(name)
		if _, twice := members[name]; twice {
			e := domain.Errorf(domain.KindInvalid, "duplicate-key", "同一个字段写了两次")
			e.Fields = []domain.Field{{Pointer: at, Code: "duplicate-key", Detail: "同一个字段写了两次，请只留一个"}}
			return nil, e
		}
		if members[name], err = w.value(depth+1, at); err != nil {
			return nil, err
		}
	}
	_, err := w.decoder.Token() // the closing brace
	return members, err
}

func (w *walker) list(depth int, pointer string) (any, error) {
	elements := []any{}
	for w.decoder.More() { // bounded by membersMax
		if err := w.another(); err != nil {
			return nil, err
		}
		element, err := w.value(depth+1, pointer+"/"+strconv.Itoa(len(elements)))
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	_, err := w.decoder.Token() // the closing bracket
	return elements, err
}

func (w *walker) another() error {
	w.count++
	if w.count > membersMax {
		return domain.Errorf(domain.KindInvalid, "too-many-members", "请求内容的字段和列表项过多，最多 %d 个", membersMax)
	}
	return nil
}

// checkText refuses U+FFFD: it is what a decoder leaves where it could not read the text (half a surrogate pair, here or
// on the way), and a name with it in is no longer the person's name.
func (w *walker) checkText(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		line, column := place(w.body, int(w.decoder.InputOffset()))
		return domain.Errorf(domain.KindInvalid, "unreadable-json",
			"文本中有无法识别的字符，可能在传输中损坏：第 %d 行第 %d 列之前", line, column)
	}
	return nil
}

// pointerEscapes are those of RFC 6901. A replacer is made once: building one costs more than using it.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// escapeName writes a member's name as one step of an RFC 6901 pointer. A client's own names may be long.
func escapeName(name string) string {
	return clip(pointerEscapes.Replace(name), nameRunesMax)
}

// readQuery reads the query parameters, as an object whose members are all text. A route that uses it says so in the
// route table.
func readQuery(c *gin.Context) (*object, error) {
	values, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil || len(values) > parametersMax {
		return nil, domain.Errorf(domain.KindInvalid, "unreadable-query", "地址中“?”之后的查询参数无法识别")
	}
	members := make(map[string]any, len(values))
	for name, texts := range values {
		if len(texts) > 1 {
			e := domain.Errorf(domain.KindInvalid, "duplicate-key", "同一个查询参数写了两次")
			e.Fields = []domain.Field{{Pointer: "?" + clip(name, nameRunesMax), Code: "duplicate-key", Detail: "请只留一个"}}
			return nil, e
		}
		if !utf8.ValidString(name) || !utf8.ValidString(texts[0]) {
			return nil, domain.Errorf(domain.KindInvalid, "unreadable-query", "查询参数不是有效的 UTF-8 文本")
		}
		members[name] = texts[0]
	}
	return newReading(members, true), nil
}

// done ends the reading: it refuses members nobody asked for, in any of the objects read (400), and otherwise returns all
// the problems that were found (422), or nil.
func (o *object) done() error {
	e := domain.Errorf(domain.KindInvalid, "unknown-field", "请求中有不认识的字段，请对照接口文档更正")
	if o.query {
		e = domain.Errorf(domain.KindInvalid, "unknown-parameter", "请求中有不认识的查询参数，请对照接口文档更正")
	}
	var unknown []domain.Field
	for _, each := range o.asked {
		for name := range each.members {
			if !each.known[name] {
				unknown = append(unknown, domain.Field{Pointer: each.at(name), Code: "unknown", Detail: "没有这一项"})
			}
		}
	}
	if len(unknown) == 0 {
		return o.problems.Err()
	}
	slices.SortFunc(unknown, func(a, b domain.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	e.Fields = unknown[:min(len(unknown), unknownMax)]
	return e
}

// at returns the pointer of a member.
func (o *object) at(name string) string {
	if o.query {
		return "?" + clip(name, nameRunesMax)
	}
	return o.pointer + "/" + escapeName(name)
}

// check adds err, if it is one, as a problem of the named member: for what a single value's parser cannot see.
func (o *object) check(name string, err error) {
	o.problems.Check(o.at(name), err)
}

// look returns a member's value; nil when it is absent or null.
func (o *object) look(name string) any {
	o.known[name] = true
	return o.members[name]
}

// missing records that a member that must be there is not. What is missing in an object that is itself missing has been
// said once.
func (o *object) missing(name string) {
	if !o.absent {
		o.problems.Add(o.at(name), "required", "必填")
	}
}

// wrongType records that a member is of another JSON type than it should be.
func (o *object) wrongType(pointer, want string) {
	o.problems.Add(pointer, "wrong-type", "%s", want)
}

const (
	wantText    = "应为文本，即写在双引号之内；金额、利率也一样，例如 \"99500.00\""
	wantInteger = "应为整数，不加引号，不带小数点和指数"
	wantBoolean = "应为 true 或 false，不加引号"
	wantObject  = "应为对象，即写在 { } 之内"
	wantList    = "应为列表，即写在 [ ] 之内"
)

// string returns a text as it was sent; false when there is none, or one that was refused.
func (o *object) string(name string) (string, bool) {
	value := o.look(name)
	if value == nil {
		return "", false
	}
	return o.asText(o.at(name), value)
}

func (o *object) asText(pointer string, value any) (string, bool) {
	text, ok := value.(string)
	switch {
	case !ok:
		o.wrongType(pointer, wantText)
	case utf8.RuneCountInString(text) > textRunesMax:
		o.problems.Add(pointer, "too-long", "最多 %d 个字", textRunesMax)
		ok = false
	}
	return text, ok
}

// required reads a member that must be there, with the parser of its type.
func required[T any](o *object, name string, parse func(string) (T, error)) T {
	if o.look(name) == nil {
		o.missing(name)
	}
	if value := optional(o, name, parse); value != nil {
		return *value
	}
	var zero T
	return zero
}

// optional reads a member that may be absent; nil then, and after a problem.
func optional[T any](o *object, name string, parse func(string) (T, error)) *T {
	text, ok := o.string(name)
	if !ok {
		return nil
	}
	value, err := parse(text)
	if err != nil {
		o.check(name, err)
		return nil
	}
	return &value
}

// list reads a list of minCount to maxCount texts, each with the parser of its type. It may be absent when minCount is 0.
func list[T any](o *object, name string, minCount, maxCount int, parse func(string) (T, error)) []T {
	elements := o.elements(name, minCount, maxCount)
	values := make([]T, 0, len(elements))
	for i, element := range elements {
		pointer := o.at(name) + "/" + strconv.Itoa(i)
		text, ok := o.asText(pointer, element)
		if !ok {
			continue
		}
		value, err := parse(text)
		if err != nil {
			o.problems.Check(pointer, err)
			continue
		}
		values = append(values, value)
	}
	return values
}

// text reads free text of minRunes to maxRunes characters, without the white space around it. It may be absent when
// minRunes is 0.
func (o *object) text(name string, minRunes, maxRunes int) string {
	sent, ok := o.string(name)
	if !ok {
		if minRunes > 0 && o.members[name] == nil {
			o.missing(name)
		}
		return ""
	}
	text := strings.TrimSpace(sent)
	switch runes := utf8.RuneCountInString(text); {
	case runes < minRunes && runes == 0:
		o.problems.Add(o.at(name), "required", "必填")
	case runes < minRunes:
		o.problems.Add(o.at(name), "too-short", "至少 %d 个字", minRunes)
	case runes > maxRunes:
		o.problems.Add(o.at(name), "too-long", "最多 %d 个字", maxRunes)
	case strings.ContainsFunc(text, unprintable):
		o.problems.Add(o.at(name), "control-characters", "含有看不见的控制字符，请删去后重新输入")
	default:
		return text
	}
	return ""
}

// unprintable finds control characters other than a line's end and a tab, and the marks that turn the direction of
// writing, with which a text can be made to look like another.
func unprintable(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return unicode.IsControl(r)
}

// integer reads a whole number from lowest to highest, which must be there.
func (o *object) integer(name string, lowest, highest int) int {
	if o.look(name) == nil {
		o.missing(name)
	}
	if value := o.optionalInteger(name, lowest, highest); value != nil {
		return *value
	}
	return 0
}

// optionalInteger reads a whole number from lowest to highest; nil when it is absent, and after a problem.
func (o *object) optionalInteger(name string, lowest, highest int) *int {
	value := o.look(name)
	if value == nil {
		return nil
	}
	digits, ok := value.(json.Number)
	if text, isText := value.(string); isText && o.query {
		digits, ok = json.Number(text), true
	}
	if !ok || !wholeNumber(digits.String()) {
		o.wrongType(o.at(name), wantInteger)
		return nil
	}
	n, err := strconv.Atoi(digits.String())
	if err != nil || n < lowest || n > highest {
		o.problems.Add(o.at(name), "out-of-range", "应为 %d 至 %d 的整数", lowest, highest)
		return nil
	}
	return &n
}

// wholeNumber reports whether s is -?[0-9]+.
func wholeNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// boolean reads true or false, which must be there.
func (o *object) boolean(name string) bool {
	if o.look(name) == nil {
		o.missing(name)
	}
	if value := o.optionalBoolean(name); value != nil {
		return *value
	}
	return false
}

// optionalBoolean reads true or false; nil when it is absent, and after a problem.
func (o *object) optionalBoolean(name string) *bool {
	value := o.look(name)
	if value == nil {
		return nil
	}
	answer, ok := value.(bool)
	if text, isText := value.(string); isText && o.query {
		answer, ok = text == "true", text == "true" || text == "false"
	}
	if !ok {
		o.wrongType(o.at(name), wantBoolean)
		return nil
	}
	return &answer
}

// object reads an object inside this one, which must be there. Without it, an empty one comes back whose members nobody
// complains about.
func (o *object) object(name string) *object {
	if o.look(name) == nil {
		o.missing(name)
	}
	if inner := o.optionalObject(name); inner != nil {
		return inner
	}
	return o.add(o.at(name), nil, true)
}

// optionalObject reads an object inside this one; nil when it is absent, and after a problem.
func (o *object) optionalObject(name string) *object {
	value := o.look(name)
	if value == nil {
		return nil
	}
	members, ok := value.(map[string]any)
	if !ok {
		o.wrongType(o.at(name), wantObject)
		return nil
	}
	return o.add(o.at(name), members, false)
}

// objects reads a list of minCount to maxCount objects. It may be absent when minCount is 0.
func (o *object) objects(name string, minCount, maxCount int) []*object {
	elements := o.elements(name, minCount, maxCount)
	inner := make([]*object, 0, len(elements))
	for i, element := range elements {
		pointer := o.at(name) + "/" + strconv.Itoa(i)
		members, ok := element.(map[string]any)
		if !ok {
			o.wrongType(pointer, wantObject)
			continue
		}
		inner = append(inner, o.add(pointer, members, false))
	}
	return inner
}

// elements reads a list's elements; none after a problem.
func (o *object) elements(name string, minCount, maxCount int) []any {
	value := o.look(name)
	if value == nil {
		if minCount > 0 {
			o.missing(name)
		}
		return nil
	}
	elements, ok := value.([]any)
	switch {
	case !ok:
		o.wrongType(o.at(name), wantList)
	case len(elements) < minCount:
		o.problems.Add(o.at(name), "too-few", "至少 %d 项", minCount)
	case len(elements) > maxCount:
		o.problems.Add(o.at(name), "too-many", "最多 %d 项", maxCount)
	default:
		return elements
	}
	return nil
}

// positiveAmount reads a sum of money above zero.
func positiveAmount(s string) (money.Amount, error) {
	a, err := money.ParseAmount(s)
	if err == nil && a.Sign() <= 0 {
		return money.Amount{}, domain.BadValue("not-positive", "金额应大于零")
	}
	return a, err
}
