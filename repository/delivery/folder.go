package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fumin/domain/origination"
)

// folder is a directory of the server, usually a mounted share (服务器目录).
type folder struct{ path string }

// newFolder checks that the directory is there and can be written to.
func newFolder(path string) (destination, error) {
	if !filepath.IsAbs(path) {
		return nil, errors.New("path: an absolute path is required")
	}
	file, err := os.CreateTemp(path, ".fumin-check-*")
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	return folder{path: path}, nil
}

const (
	folderFileMode = 0o640
	partSuffix     = ".part"
)

// deliver writes under another name, makes the bytes and the name durable, and never replaces a file. The name is given by a
// hard link, which fails when there is one already; two attempts at once cannot both succeed with different bytes.
func (f folder) deliver(ctx context.Context, p origination.ReportParcel) (string, error) {
	final := filepath.Join(f.path, p.FileName())
	if there, err := holds(final, p.Result); there || err != nil {
		return final, err
	}
	part, err := f.write(ctx, p)
	if err != nil {
		return "", failed(err, "写入投递目录失败，请系统管理员检查目录权限和剩余空间")
	}
	defer func() { _ = os.Remove(part) }()
	err = os.Link(part, final)
	if errors.Is(err, fs.ErrExist) {
		there, err := holds(final, p.Result)
		if err == nil && !there {
			err = failed(nil, "投递目录中的同名文件刚被移走，稍后自动重试")
		}
		return final, err
	}
	if err != nil { // a file system without hard links: the lease alone keeps others away
		err = os.Rename(part, final)
	}
	if err == nil {
		err = syncFolder(f.path)
	}
	if err != nil {
		return "", failed(err, "写入投递目录失败，请系统管理员检查目录权限和剩余空间")
	}
	return final, nil
}

// write writes the parcel under a temporary name. What earlier attempts have left is removed first.
func (f folder) write(ctx context.Context, p origination.ReportParcel) (path string, err error) {
	prefix := ".fumin-" + p.ID.String() + "-"
	left, err := filepath.Glob(filepath.Join(f.path, prefix+"*"+partSuffix))
	if err != nil {
		return "", err
	}
	for _, one := range left {
		if err := os.Remove(one); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	file, err := os.CreateTemp(f.path, prefix+"*"+partSuffix)
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := io.Copy(file, p.Content(ctx)); err != nil {
		return "", err
	}
	if err := file.Chmod(folderFileMode); err != nil {
		return "", err
	}
	return file.Name(), file.Sync()
}

// holds reports whether the file is there with these very bytes; with others it refuses.
func holds(path string, want origination.JobResult) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, failed(err, "投递目录中的同名文件无法读取，请系统管理员检查权限")
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(file, want.Bytes+1)); err != nil {
		return false, failed(err, "投递目录中的同名文件无法读取，请系统管理员检查权限")
	}
	if !bytes.Equal(hash.Sum(nil), want.SHA256[:]) {
		return false, refused("投递目录中已有同名但内容不同的文件 %s，不会覆盖；请核对并移走后重新投递", filepath.Base(path))
	}
	return true, nil
}

// syncFolder makes a new name durable.
func syncFolder(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
