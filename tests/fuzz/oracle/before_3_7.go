//go:build !etcd37

package main

import (
	"encoding/json"
	"errors"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v2store"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

type start struct{ mark walpb.Snapshot }

// Source: server/etcdserver/bootstrap.go (recoverSnapshot).
func startOf(lg *zap.Logger, walDir, snapDir string) (start, error) {
	marks, err := wal.ValidSnapshotEntries(lg, walDir)
	if err != nil {
		return start{}, err
	}
	found, err := snap.New(lg, snapDir).LoadNewestAvailable(marks)
	if errors.Is(err, snap.ErrNoSnapshot) {
		return start{}, nil
	}
	if err != nil {
		return start{}, err
	}
	if err := v2store.New("/0", "/1").Recovery(found.Data); err != nil {
		return start{}, err
	}
	return start{walpb.Snapshot{Index: found.Metadata.Index, Term: found.Metadata.Term}}, nil
}

func zero() start { return start{} }

func (s start) index() uint64 { return s.mark.Index }

func (s start) readAll(lg *zap.Logger, walDir string) ([]entry, uint64, error) {
	w, err := wal.Open(lg, walDir, s.mark)
	if err != nil {
		return nil, 0, err
	}
	defer w.Close()
	metadata, state, read, err := w.ReadAll()
	if err != nil {
		return nil, 0, err
	}
	var whose pb.Metadata
	if err := whose.Unmarshal(metadata); err != nil {
		return nil, 0, err
	}
	entries := make([]entry, 0, len(read))
	for _, e := range read {
		entries = append(entries, entry{e.Index, e.Term, uint64(e.Type), e.Data, applicable(e)})
	}
	return entries, state.Commit, nil
}

func repair(lg *zap.Logger, walDir string) bool { return wal.Repair(lg, walDir) }

// Source: server/etcdserver/server.go (applyEntryNormal, applyConfChange).
func applicable(e raftpb.Entry) error {
	if e.Type == raftpb.EntryNormal {
		if len(e.Data) == 0 {
			return nil
		}
		var request pb.InternalRaftRequest
		if request.Unmarshal(e.Data) == nil {
			return nil
		}
		var legacy pb.Request
		return legacy.Unmarshal(e.Data)
	}
	var change raftpb.ConfChange
	if err := change.Unmarshal(e.Data); err != nil {
		return err
	}
	if change.Type == raftpb.ConfChangeRemoveNode || len(change.Context) == 0 {
		return nil
	}
	return json.Unmarshal(change.Context, new(membership.ConfigChangeContext))
}
