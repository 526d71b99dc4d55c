package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/repository/channel"
)

// entry is one line of the record file. A payment has one line, or two when it was first accepted as processing.
type entry struct {
	Order    channel.Order  `json:"order"`
	Answer   channel.Answer `json:"answer"`
	SettleAt *time.Time     `json:"settle_at,omitempty"` // with processing: when it may be paid
}

const lineMax = 4 * channel.BodyMax

// record is what the sandbox paid: an append-only file of JSON lines, and the same in memory. A line counts once it is
// whole and synced; a torn last line is a payment that was never made, because nobody was told of it.
type record struct {
	file   *os.File
	broken error            // after a failed write nothing is known of the file's end, so nothing more is accepted
	byID   map[string]entry // the last line of each
	all    book             // every payment, in the order of acceptance
	days   map[domain.Date]*book
}

// book is a list of payments with totals.
type book struct {
	ids      []string
	position map[string]int // of each id in ids
	totals   map[string]total
}

type total struct {
	count  int
	amount money.Amount
}

func newBook() book { return book{position: map[string]int{}, totals: map[string]total{}} }

func (b *book) list(id string) {
	b.position[id] = len(b.ids)
	b.ids = append(b.ids, id)
}

func (b *book) count(state string, change int, amount money.Amount) {
	t := b.totals[state]
	t.count += change
	if change < 0 {
		amount = amount.Neg()
	}
	t.amount = t.amount.Add(amount)
	b.totals[state] = t
}

// openRecord opens or creates the file, takes its lock, and reads it.
func openRecord(path string) (*record, error) {
	// O_APPEND: every write goes to the end, whatever was read before.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: open record: %w", err)
	}
	r := &record{file: file, byID: map[string]entry{}, all: newBook(), days: map[domain.Date]*book{}}
	if err := r.load(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

func (r *record) load(path string) error {
	// Two servers on one file would each pay the same id.
	if err := syscall.Flock(int(r.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("sandbox: record %s is in use by another sandbox: %w", path, err)
	}
	reader := bufio.NewReaderSize(r.file, lineMax)
	var whole int64
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break // what is left in line has no end: torn
		}
		if err != nil {
			return fmt.Errorf("sandbox: record %s line %d: %w", path, number, err)
		}
		e, err := decodeEntry(line)
		if err == nil {
			err = r.follows(e)
		}
		if err != nil {
			return fmt.Errorf("sandbox: record %s line %d: %w", path, number, err)
		}
		r.apply(e)
		whole += int64(len(line))
	}
	if err := r.file.Truncate(whole); err != nil {
		return fmt.Errorf("sandbox: cut torn line: %w", err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("sandbox: sync record: %w", err)
	}
	directory, err := os.Open(filepath.Dir(path)) // a new file's name is durable only once its directory is
	if err != nil {
		return fmt.Errorf("sandbox: open record's directory: %w", err)
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// decodeEntry reads a line and checks that it is one that append could have written.
func decodeEntry(line []byte) (entry, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	var e entry
	if err := decoder.Decode(&e); err != nil {
		return entry{}, err
	}
	if decoder.More() {
		return entry{}, errors.New("text after the entry")
	}
	body, err := json.Marshal(e.Order)
	if err != nil {
		return entry{}, err
	}
	if _, err := channel.DecodeOrder(body); err != nil {
		return entry{}, err
	}
	a := e.Answer
	if a.ID != e.Order.ID || a.Amount != e.Order.Amount || a.Currency != e.Order.Currency || a.ChannelReference == "" {
		return entry{}, errors.New("the answer is not about the order")
	}
	switch a.State {
	case channel.WireSucceeded:
		_, err = time.Parse(time.RFC3339, a.PaidAt)
	case channel.WireFailed:
		_, err = time.Parse(time.RFC3339, a.AcceptedAt)
	case channel.WireProcessing:
		if e.SettleAt == nil {
			err = errors.New("processing without settle_at")
		}
	default:
		err = fmt.Errorf("unknown state %q", a.State)
	}
	return e, err
}

// follows refuses an entry that may not come after what is recorded: an id is decided once.
func (r *record) follows(e entry) error {
	before, seen := r.byID[e.Order.ID]
	if seen && (before.Answer.State != channel.WireProcessing || e.Answer.State == channel.WireProcessing ||
		before.Order != e.Order || before.Answer.ChannelReference != e.Answer.ChannelReference) {
		return fmt.Errorf("payment %s is already decided", e.Order.ID)
	}
	return nil
}

// append makes e durable and only then true.
func (r *record) append(e entry) error {
	if r.broken != nil {
		return r.broken
	}
	if err := r.follows(e); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err = r.file.Write(append(line, '\n')); err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		r.broken = fmt.Errorf("sandbox: record: %w", err)
		return r.broken
	}
	r.apply(e)
	return nil
}

// apply takes e into the books. Amounts and times were checked by whoever made or read e.
func (r *record) apply(e entry) {
	id, amount := e.Order.ID, money.MustParseAmount(e.Order.Amount)
	if before, seen := r.byID[id]; seen {
		r.all.count(before.Answer.State, -1, amount)
	} else {
		r.all.list(id)
	}
	r.byID[id] = e
	r.all.count(e.Answer.State, 1, amount)
	if e.Answer.State == channel.WireProcessing {
		return // it belongs to the day that decides it
	}
	day := decidedOn(e.Answer)
	b := r.days[day]
	if b == nil {
		fresh := newBook()
		b = &fresh
		r.days[day] = b
	}
	b.list(id)
	b.count(e.Answer.State, 1, amount)
}

// decidedOn is the business day of a succeeded or failed payment.
func decidedOn(a channel.Answer) domain.Date {
	text := a.PaidAt
	if a.State == channel.WireFailed {
		text = a.AcceptedAt
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic("sandbox: unchecked time in record: " + err.Error())
	}
	return domain.DateOf(at)
}

func (r *record) close() error {
	if r.broken == nil {
		r.broken = errors.New("sandbox: record is closed")
	}
	return r.file.Close()
}
