package tape

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
)

// archives keeps the files of the archive opened last, for its many small members
// are mostly read one after the other. Nothing larger than maxArchive is kept.
var archives struct {
	sync.Mutex
	path    string
	members map[string][]byte
}

const maxArchive = 256 << 20

var (
	errArchive = errors.New("archive larger than 256 MiB: unpack it")
	errMember  = errors.New("the archive holds no such file")
)

// readArchive returns the regular files of a tar archive, packed or not.
func readArchive(path string) (map[string][]byte, error) {
	archives.Lock()
	defer archives.Unlock()
	if archives.path == path {
		return archives.members, nil
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	members, total := map[string][]byte{}, int64(0)
	for t := tar.NewReader(f.r); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, &Error{Path: path, Offset: total, Err: err}
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if total += h.Size; total > maxArchive {
			return nil, &Error{Path: path, Offset: total, Err: errArchive}
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return nil, &Error{Path: path, Offset: total, Err: err}
		}
		members[h.Name] = content
	}
	archives.path, archives.members = path, members
	return members, nil
}

// archived lists the regular files of an archive.
func archived(path string) (names []string, err error) {
	members, err := readArchive(path)
	for name := range members {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, err
}

// openMember opens a file within an archive; it is not unpacked further.
func openMember(path, archive, member string) (*file, error) {
	members, err := readArchive(archive)
	if err != nil {
		return nil, err
	}
	content, ok := members[member]
	switch {
	case !ok:
		return nil, &Error{Path: path, Err: fmt.Errorf("%w: %s", errMember, member)}
	case len(content) == 0:
		return nil, &Error{Path: path, Err: ErrEmpty}
	}
	return &file{path: path, r: bufio.NewReaderSize(bytes.NewReader(content), 1<<14)}, nil
}
