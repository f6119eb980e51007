package fix

import (
	"fmt"
	"os"
	"strings"
)

// ReadSecret returns the text of a file that nobody else can read: a regular file
// whose permissions give nothing to group and others. Line ends are \n, and there
// is none behind the last line. Errors name the file, never what is in it.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of the open file: it cannot be changed for another in between
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	const most = 64 << 10
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return "", fmt.Errorf("secret %s: not a regular file", path)
	case mode.Perm()&0o077 != 0:
		return "", fmt.Errorf("secret %s: permissions are %#o, others may use it: chmod 600 it", path, mode.Perm())
	case info.Size() > most:
		return "", fmt.Errorf("secret %s: %d bytes are no secret, at most %d", path, info.Size(), most)
	}
	raw := make([]byte, info.Size())
	n, err := f.ReadAt(raw, 0)
	if n < len(raw) {
		return "", fmt.Errorf("secret %s: %w", path, err)
	}
	text := strings.TrimRight(strings.ReplaceAll(string(raw), "\r", ""), "\n")
	if text == "" {
		return "", fmt.Errorf("secret %s: the file is empty", path)
	}
	return text, nil
}
