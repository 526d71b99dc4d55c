package report

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/shopspring/decimal"

	"fumin/domain"
)

// parquetFile writes Parquet for a data warehouse: amounts are DECIMAL(18,2) and percentages DECIMAL(18,6), both exact as
// whole numbers of the smallest unit; days are DATE, instants are UTC microseconds.
type parquetFile struct {
	writer  *parquet.GenericWriter[any]
	head    Head
	columns []Column
	rows    []parquet.Row
	pending int
	inGroup int // rows
	held    int // bytes of their cells
}

// Bounds of what is held in memory.
const (
	parquetBatchRows = 512
	parquetGroupRows = 50_000
	parquetGroupHeld = 8 << 20 // bytes of cells
)

// parquetKinds are the Go type and the tag by which parquet-go makes a column of each type.
var parquetKinds = map[Type]struct {
	kind reflect.Type
	tag  string
}{
	TypeText:    {reflect.TypeFor[string](), ""},
	TypeCode:    {reflect.TypeFor[string](), ",dict"},
	TypeFlag:    {reflect.TypeFor[bool](), ""},
	TypeDate:    {reflect.TypeFor[int32](), ",date"},
	TypeInstant: {reflect.TypeFor[int64](), ",timestamp(microsecond)"},
	TypeInteger: {reflect.TypeFor[int64](), ""},
	TypeAmount:  {reflect.TypeFor[int64](), ",decimal(2:18)"},
	TypeDecimal: {reflect.TypeFor[int64](), ",decimal(6:18)"},
}

// decimalPlaces are the decimals of a percent column.
const decimalPlaces = 6

func newParquet(w io.Writer, head Head, columns []Column) (*parquetFile, error) {
	fields := make([]reflect.StructField, len(columns))
	for i, c := range columns {
		kind, known := parquetKinds[c.Type]
		if !known {
			return nil, fmt.Errorf("report %s, column %s: no Parquet type for %q", head.Definition.Code, c.Code, c.Type)
		}
		fields[i] = reflect.StructField{
			Name: "Column" + strconv.Itoa(i), Type: kind.kind,
			Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s,optional%s"`, c.Code, kind.tag)),
		}
	}
	schema := parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
	return &parquetFile{
		writer: parquet.NewGenericWriter[any](w, schema, parquet.Compression(&zstd.Codec{}), parquet.CreatedBy("fumin", "1", "")),
		head:   head, columns: columns, rows: make([]parquet.Row, parquetBatchRows),
	}, nil
}

func (f *parquetFile) row(cells []string) error {
	row := f.rows[f.pending][:0]
	for i, c := range f.columns {
		if cells[i] == "" {
			row = append(row, parquet.Value{}.Level(0, 0, i))
			continue
		}
		value, err := parquetValue(c.Type, cells[i])
		if err != nil {
			return fmt.Errorf("report %s, column %s: %w", f.head.Definition.Code, c.Code, err)
		}
		row = append(row, value.Level(0, 1, i))
		f.held += len(cells[i])
	}
	f.rows[f.pending] = row
	if f.pending++; f.pending == len(f.rows) {
		return f.flush()
	}
	return nil
}

func (f *parquetFile) flush() error {
	if _, err := f.writer.WriteRows(f.rows[:f.pending]); err != nil {
		return fmt.Errorf("parquet rows: %w", err)
	}
	f.inGroup += f.pending
	f.pending = 0
	if f.inGroup < parquetGroupRows && f.held < parquetGroupHeld {
		return nil
	}
	f.inGroup, f.held = 0, 0
	if err := f.writer.Flush(); err != nil {
		return fmt.Errorf("parquet row group: %w", err)
	}
	return nil
}

func parquetValue(t Type, text string) (parquet.Value, error) {
	switch t {
	case TypeFlag:
		return parquet.BooleanValue(text == CellOfFlag(true)), nil
	case TypeDate:
		day, err := domain.ParseDate(text)
		return parquet.Int32Value(int32(epoch.DaysUntil(day))), err
	case TypeInstant:
		at, err := time.ParseInLocation(instantLayout, text, domain.BusinessZone)
		return parquet.Int64Value(at.UnixMicro()), err
	case TypeInteger, TypeAmount:
		units, err := unitsOf(t, text)
		return parquet.Int64Value(units), err
	case TypeDecimal:
		percent, err := decimal.NewFromString(text)
		if err != nil || !percent.Equal(percent.Truncate(decimalPlaces)) {
			return parquet.Value{}, fmt.Errorf("%q is not a percentage with at most %d decimals", text, decimalPlaces)
		}
		return parquet.Int64Value(percent.Shift(decimalPlaces).IntPart()), nil
	case TypeText, TypeCode:
	}
	return parquet.ByteArrayValue([]byte(strings.ToValidUTF8(text, "\uFFFD"))), nil
}

var epoch = domain.MustParseDate("1970-01-01")

func (f *parquetFile) finish(s Summary) error {
	if err := f.flush(); err != nil {
		return err
	}
	for _, fact := range f.head.facts(s) {
		f.writer.SetKeyValueMetadata(fact[0], fact[1])
	}
	for _, t := range s.Totals {
		f.writer.SetKeyValueMetadata(TotalMark+" "+t.Column.Code, t.Text)
	}
	if err := f.writer.Close(); err != nil {
		return fmt.Errorf("parquet file: %w", err)
	}
	return nil
}

// discard has nothing to remove: a writer that is not closed holds memory alone.
func (*parquetFile) discard() error { return nil }
