"""Pictures with label maps: reading, caching, drawing episodes, augmenting."""

import cv2

cv2.setNumThreads(1)  # parallelism comes from workers, and OpenCV's own threads do not survive a fork
