// The least that anything must do to put a tree in place durably: write every file under a
// temporary name, sync the file system once a batch, rename, and fsync the folders. The bytes come
// from an existing tree, read into memory before the clock starts.
//
//   write_baseline BATCH (FROM TO)...       BATCH: files a batch; 0: all in one

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct file {
  size_t folder;  // index into folders
  char* name;
  char* content;
  size_t size;
  mode_t mode;
};

struct folder {
  char* path;  // in the new tree
};

static struct file* files;
static struct folder* folders;
static size_t file_count, folder_count, file_room, folder_room, total;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void* grow(void* array, size_t count, size_t* room, size_t size) {
  if (count < *room) return array;
  *room = *room ? *room * 2 : 1024;
  array = realloc(array, *room * size);
  if (array == NULL) die("realloc");
  return array;
}

static char* join(const char* a, const char* b) {
  char* path = NULL;
  if (asprintf(&path, "%s/%s", a, b) < 0) die("asprintf");
  return path;
}

static void load(const char* from, const char* to) {
  folders = grow(folders, folder_count, &folder_room, sizeof *folders);
  const size_t index = folder_count++;
  folders[index].path = strdup(to);
  DIR* stream = opendir(from);
  if (stream == NULL) die(from);
  struct dirent* entry;
  while ((entry = readdir(stream)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char* path = join(from, entry->d_name);
    if (entry->d_type == DT_DIR) {
      char* inner = join(to, entry->d_name);
      load(path, inner);
      free(inner);
    } else if (entry->d_type == DT_REG) {
      files = grow(files, file_count, &file_room, sizeof *files);
      struct file* file = &files[file_count++];
      const int in = open(path, O_RDONLY | O_CLOEXEC);
      struct stat status;
      if (in < 0 || fstat(in, &status) != 0) die(path);
      file->folder = index;
      file->name = strdup(entry->d_name);
      file->size = (size_t)status.st_size;
      file->mode = status.st_mode & 0777;
      file->content = malloc(file->size + 1);
      if (file->content == NULL || read(in, file->content, file->size) != status.st_size) die(path);
      total += file->size;
      close(in);
    }
    free(path);
  }
  closedir(stream);
}

static void temporary_name(const struct file* file, char* name, size_t size) {
  if (snprintf(name, size, ".%s.tmp", file->name) >= (int)size) die(file->name);
}

static int open_folder(size_t index) {
  const int folder = open(folders[index].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) die(folders[index].path);
  return folder;
}

static void write_batch(size_t first, size_t last) {
  char name[512];
  int folder = -1;
  for (size_t i = first; i < last; ++i) {
    const struct file* file = &files[i];
    if (folder < 0 || file->folder != files[i - 1].folder) {
      if (folder >= 0) close(folder);
      folder = open_folder(file->folder);
    }
    temporary_name(file, name, sizeof name);
    const int out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
    if (out < 0) die(name);
    if (write(out, file->content, file->size) != (ssize_t)file->size) die(name);
    if (fchmod(out, file->mode) != 0) die(name);
    close(out);
  }
  if (syncfs(folder) != 0) die("syncfs");
  close(folder);
  // All renames before the first fsync: it commits the journal, and the others find little to do.
  folder = -1;
  for (size_t i = first; i < last; ++i) {
    const struct file* file = &files[i];
    if (folder < 0 || file->folder != files[i - 1].folder) {
      if (folder >= 0) close(folder);
      folder = open_folder(file->folder);
    }
    temporary_name(file, name, sizeof name);
    if (renameat(folder, name, folder, file->name) != 0) die(name);
  }
  close(folder);
  for (size_t i = first; i < last; ++i) {
    if (i > first && files[i].folder == files[i - 1].folder) continue;
    folder = open_folder(files[i].folder);
    if (fsync(folder) != 0) die("fsync");
    close(folder);
  }
}

static int by_folder(const void* a, const void* b) {
  const size_t left = ((const struct file*)a)->folder, right = ((const struct file*)b)->folder;
  return (left > right) - (left < right);
}

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  const size_t batch = strtoul(argv[1], NULL, 10);
  for (int i = 2; i + 1 < argc; i += 2) load(argv[i], argv[i + 1]);
  qsort(files, file_count, sizeof *files, by_folder);

  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (size_t i = 0; i < folder_count; ++i) {
    if (mkdir(folders[i].path, 0755) != 0 && errno != EEXIST) die(folders[i].path);
  }
  const size_t step = batch ? batch : file_count;
  for (size_t first = 0; first < file_count; first += step) {
    write_batch(first, first + step < file_count ? first + step : file_count);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("files %zu\nfolders %zu\nbytes %zu\nseconds %.6f\n", file_count, folder_count, total,
         (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
  return 0;
}
