package contractprint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Limits of a font file.
const (
	fontBytesMax  = 64 << 20
	fontTablesMax = 64
)

// DefaultFontFiles are where Debian's packages put fonts that can print contracts, the first that is there is taken:
// fonts-wqy-zenhei, fonts-wqy-microhei, fonts-hanazono. Fonts with PostScript outlines (fonts-noto-cjk) cannot be embedded,
// and fonts-droid-fallback has no digits.
func DefaultFontFiles() []string {
	return []string{
		"/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
		"/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
		"/usr/share/fonts/truetype/hanazono/HanaMinA.ttf",
	}
}

// LoadFont reads a TrueType font, or the first font of a TrueType collection. With an empty path it takes the first of
// DefaultFontFiles that is there; a nil font without an error says that none is.
func LoadFont(path string) (*Font, error) {
	if path != "" {
		return readFont(path)
	}
	for _, candidate := range DefaultFontFiles() {
		font, err := readFont(candidate)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		return font, err
	}
	return nil, nil //nolint:nilnil // no font is a state of the machine, and not an error
}

func readFont(path string) (*Font, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, fontBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", path, err)
	}
	font, err := ParseFont(content)
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", path, err)
	}
	return font, nil
}

// Font is a TrueType font with what it can print. It is immutable.
type Font struct {
	ttf    []byte
	glyphs map[rune]bool // of the Basic Multilingual Plane, beyond which the PDF library does not go
}

var errFont = errors.New("not a TrueType font or collection with outlines of its own (glyf)")

// ParseFont reads a TrueType font; of a collection (.ttc) it takes the first font out.
func ParseFont(content []byte) (*Font, error) {
	if len(content) > fontBytesMax {
		return nil, fmt.Errorf("larger than %d bytes", fontBytesMax)
	}
	tables, err := fontTables(content)
	if err != nil {
		return nil, err
	}
	for _, needed := range []string{"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post", "OS/2"} {
		if tables[needed] == nil {
			return nil, errFont
		}
	}
	glyphs, err := readGlyphs(tables["cmap"])
	if err != nil {
		return nil, err
	}
	return &Font{ttf: assemble(tables), glyphs: glyphs}, nil
}

// fontTables are the tables of the first font in the file, by their tags.
func fontTables(content []byte) (map[string][]byte, error) {
	start := uint32(0)
	if len(content) >= 16 && string(content[:4]) == "ttcf" {
		start = binary.BigEndian.Uint32(content[12:])
	}
	directory, ok := cut(content, start, 12)
	if !ok || (binary.BigEndian.Uint32(directory) != 0x00010000 && string(directory[:4]) != "true") {
		return nil, errFont
	}
	count := int(binary.BigEndian.Uint16(directory[4:]))
	if count > fontTablesMax {
		return nil, errFont
	}
	records, ok := cut(content, start+12, uint32(count)*16)
	if !ok {
		return nil, errFont
	}
	tables := make(map[string][]byte, count)
	for record := range slices.Chunk(records, 16) {
		table, ok := cut(content, binary.BigEndian.Uint32(record[8:]), binary.BigEndian.Uint32(record[12:]))
		if !ok {
			return nil, errFont
		}
		tables[string(record[:4])] = table
	}
	return tables, nil
}

// cut returns length bytes from an offset, if they are there.
func cut(content []byte, offset, length uint32) ([]byte, bool) {
	end := uint64(offset) + uint64(length)
	if end > uint64(len(content)) {
		return nil, false
	}
	return content[offset:end], true
}

// assemble writes the tables as a font of its own: the header, the directory in the order of the tags, the tables on words.
func assemble(tables map[string][]byte) []byte {
	tags := make([]string, 0, len(tables))
	for tag := range tables {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	header := make([]byte, 12, 12+16*len(tags))
	binary.BigEndian.PutUint32(header, 0x00010000)
	binary.BigEndian.PutUint16(header[4:], uint16(len(tags)))
	offset := 12 + 16*len(tags)
	var body []byte
	for _, tag := range tags {
		table := tables[tag]
		record := make([]byte, 16)
		copy(record, tag)
		binary.BigEndian.PutUint32(record[8:], uint32(offset+len(body)))
		binary.BigEndian.PutUint32(record[12:], uint32(len(table)))
		header = append(header, record...)
		body = append(body, table...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	return append(header, body...)
}

// readGlyphs reads which characters the font has: the segments (format 4) of its Unicode table, which is the one that the PDF
// library prints by.
func readGlyphs(cmap []byte) (map[rune]bool, error) {
	if len(cmap) < 4 {
		return nil, errFont
	}
	count := int(binary.BigEndian.Uint16(cmap[2:]))
	records, ok := cut(cmap, 4, uint32(count)*8)
	if !ok || count > fontTablesMax {
		return nil, errFont
	}
	for record := range slices.Chunk(records, 8) {
		platform, encoding := binary.BigEndian.Uint16(record), binary.BigEndian.Uint16(record[2:])
		if platform != 0 && (platform != 3 || encoding != 1) {
			continue
		}
		offset := binary.BigEndian.Uint32(record[4:])
		if format, ok := cut(cmap, offset, 2); ok && binary.BigEndian.Uint16(format) == 4 {
			return readSegments(cmap[offset:])
		}
	}
	return nil, errors.New("has no Unicode table of the format that can be printed by")
}

func readSegments(table []byte) (map[rune]bool, error) {
	if len(table) < 16 {
		return nil, errFont
	}
	size := int(binary.BigEndian.Uint16(table[6:])) &^ 1 // twice the number of segments
	if len(table) < 16+4*size {
		return nil, errFont
	}
	at := func(offset int) int { return int(binary.BigEndian.Uint16(table[offset:])) }
	ends, starts, deltas, ranges := 14, 16+size, 16+2*size, 16+3*size
	glyphs := map[rune]bool{}
	for segment := 0; segment < size; segment += 2 {
		start, end, delta, offset := at(starts+segment), at(ends+segment), at(deltas+segment), at(ranges+segment)
		for c := start; c <= end && c < 0xFFFF; c++ {
			glyph := c
			if offset != 0 {
				place := ranges + segment + offset + 2*(c-start)
				if place+2 > len(table) {
					return nil, errFont
				}
				if glyph = at(place); glyph == 0 {
					continue
				}
			}
			if (glyph+delta)&0xFFFF != 0 {
				glyphs[rune(c)] = true
			}
		}
	}
	return glyphs, nil
}

// Missing returns the first character of the text that the font cannot print; false when it can print all of it.
func (f *Font) Missing(text string) (rune, bool) {
	for _, c := range text {
		if !f.glyphs[c] {
			return c, true
		}
	}
	return 0, false
}
