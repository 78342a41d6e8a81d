// For code that says #include <annoy/mman.h>.
#include "../mman.h"
